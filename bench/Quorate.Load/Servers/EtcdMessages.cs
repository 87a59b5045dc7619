using System.Buffers.Binary;

namespace Quorate.Load.Servers;

/// <summary>The few messages of the etcd v3 API that the load needs, encoded and read by hand. Source: rpc.proto of etcd.</summary>
internal static class EtcdMessages
{
    public const string Put = "/etcdserverpb.KV/Put";
    public const string Range = "/etcdserverpb.KV/Range";
    public const string Status = "/etcdserverpb.Maintenance/Status";

    private const int LengthDelimited = 2;

    /// <summary>Encodes a PutRequest with room for a key and a value, and returns where they are.</summary>
    public static byte[] PutRequest(int keyBytes, int valueBytes, out int keyAt, out int valueAt)
    {
        var message = new List<byte>();
        keyAt = AddBytesField(message, 1, keyBytes);
        valueAt = AddBytesField(message, 2, valueBytes);
        return [.. message];
    }

    /// <summary>Encodes a RangeRequest for one key, and returns where the key is.</summary>
    public static byte[] RangeRequest(int keyBytes, bool serializable, out int keyAt)
    {
        var message = new List<byte>();
        keyAt = AddBytesField(message, 1, keyBytes);
        if (serializable)
        {
            AddVarint(message, 7 << 3);
            message.Add(1);
        }

        return [.. message];
    }

    /// <summary>Counts the key-value pairs of a RangeResponse.</summary>
    public static int CountKeys(ReadOnlySpan<byte> response)
    {
        const int kvs = 2;
        var count = 0;
        foreach (var field in new ProtobufReader(response))
        {
            count += field.Number == kvs ? 1 : 0;
        }

        return count;
    }

    /// <summary>Returns whether the member that sent this StatusResponse is the leader.</summary>
    public static bool IsLeader(ReadOnlySpan<byte> response)
    {
        const int header = 1;
        const int memberId = 2;
        const int leaderId = 4;
        var member = 0UL;
        var leader = 0UL;
        foreach (var field in new ProtobufReader(response))
        {
            if (field.Number == leaderId)
            {
                leader = field.Value;
            }
            else if (field.Number == header)
            {
                foreach (var inner in new ProtobufReader(field.Bytes))
                {
                    member = inner.Number == memberId ? inner.Value : member;
                }
            }
        }

        return leader != 0 && leader == member;
    }

    private static int AddBytesField(List<byte> message, int number, int length)
    {
        AddVarint(message, (number << 3) | LengthDelimited);
        AddVarint(message, length);
        var start = message.Count;
        message.AddRange(new byte[length]);
        return start;
    }

    private static void AddVarint(List<byte> message, int value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            message.Add((byte)(value | 0x80));
        }

        message.Add((byte)value);
    }
}

/// <summary>Enumerates the fields of a protobuf message.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private ReadOnlySpan<byte> _rest = message;

    /// <summary>The current field: a number in <see cref="Field.Value"/>, or content in <see cref="Field.Bytes"/>.</summary>
    public Field Current { get; private set; }

    public readonly ProtobufReader GetEnumerator() => this;

    /// <exception cref="InvalidDataException">The message is not protobuf.</exception>
    public bool MoveNext()
    {
        if (_rest.IsEmpty)
        {
            return false;
        }

        var tag = ReadVarint();
        var number = (int)(tag >> 3);
        switch ((int)(tag & 7))
        {
            case 0:
                Current = new Field { Number = number, Value = ReadVarint() };
                return true;
            case 1:
                Current = new Field { Number = number, Value = BinaryPrimitives.ReadUInt64LittleEndian(Take(8)) };
                return true;
            case 2:
                Current = new Field { Number = number, Bytes = Take(ReadVarint()) };
                return true;
            case 5:
                Current = new Field { Number = number, Value = BinaryPrimitives.ReadUInt32LittleEndian(Take(4)) };
                return true;
            default:
                throw new InvalidDataException("the response is not a protobuf message");
        }
    }

    private ReadOnlySpan<byte> Take(ulong count)
    {
        if (count > (ulong)_rest.Length)
        {
            throw new InvalidDataException("the response ends within a protobuf field");
        }

        var taken = _rest[..(int)count];
        _rest = _rest[(int)count..];
        return taken;
    }

    private ulong ReadVarint()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
            {
                return value;
            }
        }

        throw new InvalidDataException("the response contains a protobuf number of more than 64 bits");
    }

    internal ref struct Field
    {
        public int Number;
        public ulong Value;
        public ReadOnlySpan<byte> Bytes;
    }
}
