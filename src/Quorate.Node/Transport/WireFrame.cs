using System.Buffers.Binary;
using Quorate.Node.Io;

namespace Quorate.Node.Transport;

/// <summary>What stands before every message on a connection. All integers are little-endian.</summary>
/// <remarks><code>
///   0   4  length of the body, bytes, 0 .. FrameBytesMax - 16
///   4   1  kind, see <see cref="WireKind"/>
///   5   3  written as zero, not looked at when read
///   8   4  crc32c over the body
///  12   4  crc32c over bytes 0 .. 12
///  16   n  body, see <see cref="WireEncoder"/>
/// </code>
/// The header has a checksum of its own because the length is believed before the body has come: one flipped bit in it, and the reader
/// would swallow megabytes of heartbeats as the rest of one message, and find out only when followers had long called an election.
/// Any change here bumps the protocol version, docs/formats/wire.md, and the golden file together.
/// </remarks>
internal static class WireFrame
{
    public const int HeaderBytes = 16;

    /// <summary>Writes the header of a frame whose body is in place already.</summary>
    public static void Seal(Span<byte> frame, WireKind kind)
    {
        var body = frame[HeaderBytes..];
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], (byte)kind);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[8..], Crc32C.Of(body));
        BinaryPrimitives.WriteUInt32LittleEndian(frame[12..], Crc32C.Of(frame[..12]));
    }

    /// <summary>Reads a header and believes it only if its checksum and its bound allow.</summary>
    /// <exception cref="WireFormatException">It is damaged, or the frame is larger than we take.</exception>
    public static WireFrameHeader ReadHeader(ReadOnlySpan<byte> header, int frameBytesMax)
    {
        if (header.Length < HeaderBytes)
            throw new WireFormatException($"a frame header has {HeaderBytes} bytes; only {header.Length} are here");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[12..]) != Crc32C.Of(header[..12]))
            throw new WireFormatException("the checksum of a frame header does not match");

        var length = BodyBytesOf(header);
        if (length > (uint)(frameBytesMax - HeaderBytes))
            throw new WireFormatException($"a frame of {length} bytes is larger than the {frameBytesMax} that FrameBytesMax allows");
        return new WireFrameHeader((WireKind)header[4], (int)length, BinaryPrimitives.ReadUInt32LittleEndian(header[8..]));
    }

    /// <summary>The length that a header states, which nobody has checked yet.</summary>
    public static uint BodyBytesOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt32LittleEndian(header);

    /// <summary>Checks that the body is the one that was sent.</summary>
    /// <exception cref="WireFormatException">It is not.</exception>
    public static void CheckBody(in WireFrameHeader header, ReadOnlySpan<byte> body)
    {
        if (body.Length != header.BodyBytes)
            throw new WireFormatException($"a body of {header.BodyBytes} bytes was announced; {body.Length} are here");
        if (Crc32C.Of(body) != header.BodyChecksum)
            throw new WireFormatException($"the checksum of a frame of kind {header.Kind} does not match");
    }
}

/// <summary>A frame header that was checked: <paramref name="BodyBytes"/> may be believed.</summary>
internal readonly record struct WireFrameHeader(WireKind Kind, int BodyBytes, uint BodyChecksum);
