using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Transport;

/// <summary>The header before every message on a connection. All integers are little-endian.</summary>
/// <remarks><code>
///   0   4  length of the body, bytes, 0 .. MaxFrameBytes - 24
///   4   1  kind, see <see cref="WireFrameKind"/>
///   5   3  written as zero, ignored when read
///   8   8  id of the Raft group, not 0
///  16   4  crc32c over the body
///  20   4  crc32c over bytes 0 .. 20
///  24   n  body, see <see cref="WireEncoder"/>
/// </code>
/// The header has its own checksum because the length is used before the body has arrived: with one flipped bit in it, the reader would
/// consume megabytes of heartbeats as the rest of one message, and detect it only long after the followers had started an election.
/// Any change here bumps the protocol version, docs/formats/wire.md, and the golden file together.
/// </remarks>
internal static class WireFrame
{
    public const int HeaderBytes = 24;
    private const int GroupAt = 8;
    private const int BodyChecksumAt = 16;
    private const int HeaderChecksumAt = 20;

    /// <summary>Completes a frame whose body is in place: writes its header with both checksums.</summary>
    public static void Seal(Span<byte> frame, WireFrameKind kind, GroupId group)
    {
        var body = frame[HeaderBytes..];
        BinaryPrimitives.WriteUInt32LittleEndian(frame, (uint)body.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], (byte)kind);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[GroupAt..], group.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[BodyChecksumAt..], Crc32C.Of(body));
        BinaryPrimitives.WriteUInt32LittleEndian(frame[HeaderChecksumAt..], Crc32C.Of(frame[..HeaderChecksumAt]));
    }

    /// <summary>Reads a header, and verifies its checksum, the length and that it names a group.</summary>
    /// <exception cref="WireFormatException">The header is corrupt, names no group, or the frame is larger than the limit.</exception>
    public static WireFrameHeader ReadHeader(ReadOnlySpan<byte> header, int frameBytesMax)
    {
        if (header.Length < HeaderBytes)
            throw new WireFormatException($"a frame header has {HeaderBytes} bytes; only {header.Length} are here");
        if (BinaryPrimitives.ReadUInt32LittleEndian(header[HeaderChecksumAt..]) != Crc32C.Of(header[..HeaderChecksumAt]))
            throw new WireFormatException("the checksum of a frame header does not match");

        var length = BodyBytesOf(header);
        if (length > (uint)(frameBytesMax - HeaderBytes))
            throw new WireFormatException($"a frame of {length} bytes is larger than the {frameBytesMax} that MaxFrameBytes allows");
        var group = new GroupId(BinaryPrimitives.ReadUInt64LittleEndian(header[GroupAt..]));
        if (group == GroupId.None)
            throw new WireFormatException("a frame names the group 0, which is no group");
        return new WireFrameHeader(
            (WireFrameKind)header[4], group, (int)length, BinaryPrimitives.ReadUInt32LittleEndian(header[BodyChecksumAt..]));
    }

    /// <summary>Reads the length in a header, unverified.</summary>
    public static uint BodyBytesOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt32LittleEndian(header);

    /// <summary>Reads both checksums of a frame: together they change with every byte of it.</summary>
    public static ulong ChecksumsOf(ReadOnlySpan<byte> frame) => BinaryPrimitives.ReadUInt64LittleEndian(frame[BodyChecksumAt..]);

    /// <summary>Verifies that the body is the one that was sent.</summary>
    /// <exception cref="WireFormatException">The body is not the one that was sent.</exception>
    public static void CheckBody(in WireFrameHeader header, ReadOnlySpan<byte> body)
    {
        if (body.Length != header.BodyBytes)
            throw new WireFormatException($"a body of {header.BodyBytes} bytes was announced; {body.Length} were received");
        if (Crc32C.Of(body) != header.BodyChecksum)
            throw new WireFormatException($"the checksum of a frame of kind {header.Kind} does not match");
    }
}

/// <summary>A verified frame header: <paramref name="BodyBytes"/> can be trusted.</summary>
internal readonly record struct WireFrameHeader(WireFrameKind Kind, GroupId Group, int BodyBytes, uint BodyChecksum);
