using System.Buffers.Binary;
using Quorate.Node.Storage;

namespace Quorate.Node.Wal;

/// <summary>The first sector of a segment file. All integers are little-endian.</summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. 512
///   4   4  magic "QWAL"
///   8   4  format version, 2
///  12   4  length of the file, bytes
///  16   8  sequence number of the segment: 1, 2, 3 ...
///  24   8  nonce, random: the pattern of unwritten sectors and the seal of every checksum of this file are derived from it
///  32  16  the data directory that the segment belongs to (DirectoryStamp)
///  48 464  zero
/// </code>
/// Any change here bumps the version, docs/formats/wal.md and the golden file together.
/// </remarks>
internal readonly record struct SegmentHeader(int FileBytes, ulong Sequence, ulong Nonce, DirectoryStamp Stamp)
{
    public const int Bytes = Sectors.Bytes;
    public const uint Version = 2;
    private const int StampAt = 32;
    private const uint Magic = 0x4C41_5751;

    public void Write(Span<byte> target)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(target[8..], Version);
        BinaryPrimitives.WriteInt32LittleEndian(target[12..], FileBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], Nonce);
        Stamp.Write(target[StampAt..]);
        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Of(target[4..Bytes]));
    }

    /// <summary>
    /// Reads the header of <paramref name="file"/>, and verifies that it matches the name and the length of the file and the data
    /// directory.
    /// </summary>
    public static SegmentHeader Read(ReadOnlySpan<byte> source, string file, ulong sequence, long fileBytes, DirectoryStamp stamp)
    {
        if (source.Length < Bytes)
            throw Corruption(file, source.Length, "the file ends within its header");
        if (BinaryPrimitives.ReadUInt32LittleEndian(source) != Crc32C.Of(source[4..Bytes]))
            throw Corruption(file, 0, "the checksum of the header is wrong");
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Magic)
            throw Corruption(file, 4, "the file is not a segment of a write-ahead log");

        FormatVersion.Verify(file, BinaryPrimitives.ReadUInt32LittleEndian(source[8..]), Version, firstReleased: 2);
        var header = new SegmentHeader(
            BinaryPrimitives.ReadInt32LittleEndian(source[12..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[16..]),
            BinaryPrimitives.ReadUInt64LittleEndian(source[24..]),
            DirectoryStamp.Read(source[StampAt..]));
        stamp.Verify(header.Stamp, file, StampAt, "all entries of the segment");
        if (header.FileBytes != fileBytes)
            throw Corruption(file, 12, $"the header states {header.FileBytes} bytes, the file has {fileBytes}");
        if (header.Sequence != sequence)
            throw Corruption(file, 16, $"the header states segment {header.Sequence}, the name states {sequence}");
        return header;
    }

    private static WalCorruptionException Corruption(string file, long offset, string what) =>
        new(file, offset, "all entries of the segment", what,
            "A segment receives its name only after its header is on disk, so no crash leaves this.");
}
