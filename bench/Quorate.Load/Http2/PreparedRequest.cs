using System.Buffers.Binary;
using System.Text;

namespace Quorate.Load.Http2;

/// <summary>
/// The frames of one unary gRPC request, encoded once per connection: HEADERS, and DATA with the message. A request is a copy of them in
/// which stream id, key and value are replaced.
/// </summary>
/// <remarks>
/// The first request of a connection inserts its header fields into the server's dynamic HPACK table; every further request refers to them
/// with one byte per field. Nothing else is inserted, so the indexes never change.
/// <code>
/// HEADERS 9 + 6 bytes | DATA 9 bytes | gRPC prefix 5 bytes | message
/// </code>
/// </remarks>
internal sealed class PreparedRequest
{
    private const int GrpcPrefixBytes = 5;
    private const int EntryOverhead = 32;

    private readonly byte[] _first;
    private readonly byte[] _further;
    private readonly int _messageBytes;

    /// <param name="authority">host:port, as in the endpoint.</param>
    /// <param name="path">The gRPC method: <c>/package.Service/Method</c>.</param>
    /// <param name="message">The request message, with placeholders for what <see cref="Write"/>'s caller replaces.</param>
    /// <param name="serverTableBytesMax">The server's SETTINGS_HEADER_TABLE_SIZE.</param>
    /// <exception cref="Http2Exception">The server's dynamic table is too small for the header fields.</exception>
    public PreparedRequest(string authority, string path, ReadOnlySpan<byte> message, int serverTableBytesMax)
    {
        (string Name, string Value)[] fields =
            [(":path", path), (":authority", authority), ("content-type", "application/grpc"), ("te", "trailers")];
        var needed = fields.Sum(field => field.Name.Length + field.Value.Length + EntryOverhead);
        if (needed > serverTableBytesMax)
        {
            throw new Http2Exception($"{authority} allows a header table of {serverTableBytesMax} bytes; prepared requests need {needed}");
        }

        _messageBytes = message.Length;
        _first = Frames(FirstHeaderBlock(fields, serverTableBytesMax), message);
        _further = Frames(IndexedHeaderBlock(fields.Length), message);
    }

    /// <summary>The bytes that a request takes from the flow-control windows: the payload of its DATA frame.</summary>
    public int DataBytes => GrpcPrefixBytes + _messageBytes;

    /// <summary>The maximum size of an encoded request.</summary>
    public int BytesMax => _first.Length;

    /// <summary>Writes the request and returns its size; the message is at the end of the written bytes.</summary>
    /// <param name="target">At least <see cref="BytesMax"/> bytes.</param>
    /// <param name="streamId">The new stream.</param>
    /// <param name="isFirst">Whether this is the first request of the connection.</param>
    public int Write(Span<byte> target, int streamId, bool isFirst)
    {
        var frames = isFirst ? _first : _further;
        frames.CopyTo(target);
        BinaryPrimitives.WriteInt32BigEndian(target[FrameHeader.StreamIdOffset..], streamId);
        var data = frames.Length - FrameHeader.Bytes - DataBytes;
        BinaryPrimitives.WriteInt32BigEndian(target[(data + FrameHeader.StreamIdOffset)..], streamId);
        return frames.Length;
    }

    private static byte[] Frames(byte[] headerBlock, ReadOnlySpan<byte> message)
    {
        var dataBytes = GrpcPrefixBytes + message.Length;
        var frames = new byte[FrameHeader.Bytes + headerBlock.Length + FrameHeader.Bytes + dataBytes];
        new FrameHeader(headerBlock.Length, FrameType.Headers, FrameFlags.EndHeaders, 0).Write(frames);
        headerBlock.CopyTo(frames, FrameHeader.Bytes);
        var data = frames.AsSpan(FrameHeader.Bytes + headerBlock.Length);
        new FrameHeader(dataBytes, FrameType.Data, FrameFlags.EndStreamOrAck, 0).Write(data);
        data = data[FrameHeader.Bytes..];

        // The gRPC prefix: not compressed, then the length of the message.
        BinaryPrimitives.WriteInt32BigEndian(data[1..], message.Length);
        message.CopyTo(data[GrpcPrefixBytes..]);
        return frames;
    }

    private static byte[] FirstHeaderBlock((string Name, string Value)[] fields, int serverTableBytesMax)
    {
        var block = new List<byte>();
        if (serverTableBytesMax < HpackDecoder.TableBytesMax)
        {
            // RFC 7541 §4.2: after the server has reduced the table, the next header block begins with the new size.
            AddInteger(block, 0x20, prefixBits: 5, serverTableBytesMax);
        }

        AddStaticFields(block);
        foreach (var (name, value) in fields)
        {
            var index = HpackStaticTable.IndexOf(name);
            AddInteger(block, 0x40, prefixBits: 6, index);
            if (index == 0)
            {
                AddString(block, name);
            }

            AddString(block, value);
        }

        return [.. block];
    }

    private static byte[] IndexedHeaderBlock(int fields)
    {
        var block = new List<byte>();
        AddStaticFields(block);

        // The newest entry of the dynamic table follows the static table; the field that was inserted first has the highest index.
        for (var field = 0; field < fields; field++)
        {
            AddInteger(block, 0x80, prefixBits: 7, HpackStaticTable.Count + fields - field);
        }

        return [.. block];
    }

    private static void AddStaticFields(List<byte> block)
    {
        const int methodPost = 3;
        const int schemeHttp = 6;
        AddInteger(block, 0x80, prefixBits: 7, methodPost);
        AddInteger(block, 0x80, prefixBits: 7, schemeHttp);
    }

    private static void AddString(List<byte> block, string text)
    {
        AddInteger(block, 0, prefixBits: 7, text.Length);
        block.AddRange(Encoding.ASCII.GetBytes(text));
    }

    private static void AddInteger(List<byte> block, byte pattern, int prefixBits, int value)
    {
        var mask = (1 << prefixBits) - 1;
        if (value < mask)
        {
            block.Add((byte)(pattern | value));
            return;
        }

        block.Add((byte)(pattern | mask));
        value -= mask;
        for (; value >= 0x80; value >>= 7)
        {
            block.Add((byte)(value | 0x80));
        }

        block.Add((byte)value);
    }
}
