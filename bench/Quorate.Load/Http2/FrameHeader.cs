using System.Buffers.Binary;

namespace Quorate.Load.Http2;

/// <summary>The header that precedes the payload of every HTTP/2 frame.</summary>
/// <remarks>
/// Bytes: 0–2 length of the payload, 3 type, 4 flags, 5–8 stream id; numbers are big-endian, and the highest bit of the stream id is
/// reserved. Source: RFC 9113 §4.1.
/// </remarks>
internal readonly record struct FrameHeader(int Length, FrameType Type, FrameFlags Flags, int StreamId)
{
    public const int Bytes = 9;

    /// <summary>The position of the stream id within the header.</summary>
    public const int StreamIdOffset = 5;

    public static FrameHeader Read(ReadOnlySpan<byte> source) => new(
        (source[0] << 16) | (source[1] << 8) | source[2],
        (FrameType)source[3],
        (FrameFlags)source[4],
        ReadStreamId(source[StreamIdOffset..]));

    /// <summary>Reads 31 bits: a stream id or a window increment.</summary>
    public static int ReadStreamId(ReadOnlySpan<byte> source) => (int)(BinaryPrimitives.ReadUInt32BigEndian(source) & 0x7fff_ffff);

    public void Write(Span<byte> target)
    {
        target[0] = (byte)(Length >> 16);
        target[1] = (byte)(Length >> 8);
        target[2] = (byte)Length;
        target[3] = (byte)Type;
        target[4] = (byte)Flags;
        BinaryPrimitives.WriteInt32BigEndian(target[StreamIdOffset..], StreamId);
    }
}

/// <summary>The type of a frame. Source: RFC 9113 §6.</summary>
internal enum FrameType : byte
{
    Data = 0,
    Headers = 1,
    Priority = 2,
    RstStream = 3,
    Settings = 4,
    PushPromise = 5,
    Ping = 6,
    GoAway = 7,
    WindowUpdate = 8,
    Continuation = 9,
}

/// <summary>The flags of a frame. The lowest bit means END_STREAM in DATA and HEADERS, and ACK in SETTINGS and PING.</summary>
[Flags]
internal enum FrameFlags : byte
{
    None = 0,
    EndStreamOrAck = 0x1,
    EndHeaders = 0x4,
    Padded = 0x8,
    Priority = 0x20,
}
