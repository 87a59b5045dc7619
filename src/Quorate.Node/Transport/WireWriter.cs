using System.Buffers.Binary;

namespace Quorate.Node.Transport;

/// <summary>Writes integers and bytes one after the other.</summary>
internal ref struct WireWriter(Span<byte> target)
{
    private Span<byte> _rest = target;

    public void Byte(byte value)
    {
        _rest[0] = value;
        _rest = _rest[1..];
    }

    public void UInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_rest, value);
        _rest = _rest[2..];
    }

    public void UInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_rest, value);
        _rest = _rest[4..];
    }

    public void UInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_rest, value);
        _rest = _rest[8..];
    }

    public void Bytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(_rest);
        _rest = _rest[value.Length..];
    }

    public void Zeroes(int count)
    {
        _rest[..count].Clear();
        _rest = _rest[count..];
    }
}

/// <summary>Reads what <see cref="WireWriter"/> wrote; what is not there is a <see cref="WireFormatException"/>, never another one.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> source)
{
    private readonly ReadOnlySpan<byte> _source = source;

    /// <summary>How far we have come.</summary>
    public int Position { get; private set; }

    public readonly int Remaining => _source.Length - Position;

    public byte Byte() => Take(1)[0];

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public void Skip(int count) => Take(count);

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > Remaining)
            throw new WireFormatException($"{count} bytes are wanted at {Position}; the message ends at {_source.Length}");
        var taken = _source.Slice(Position, count);
        Position += count;
        return taken;
    }
}
