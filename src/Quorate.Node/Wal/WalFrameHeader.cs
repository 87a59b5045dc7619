using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>
/// The header of a frame, which precedes its records. A frame is what one write and one flush make durable. All integers are little-endian.
/// </summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. 64, xor the seal of this offset
///   4   4  magic "QFRM"
///   8   8  sequence number of the frame in the log: 1, 2, 3 ... across segments, without a gap
///  16   4  length of header and records, bytes
///  20   4  number of records
///  24   8  index of the first entry; without entries, the index of the next entry
///  32   8  index at which the log begins: earlier entries were dropped
///  40   8  commit mark: entries up to here were known to be committed when the frame was written
///  48   4  1 when the log was reset: no earlier entry is part of it; else 0
///  52   4  crc32c over the checksums of the records, in order: ties them to this header
///  56   8  id of the Raft group that the entries belong to
///  64   n  records, then zeroes up to the next sector
/// </code>
/// Any change here bumps <see cref="SegmentHeader.Version"/>, docs/formats/wal.md and the golden file together.
/// </remarks>
internal readonly record struct WalFrameHeader(
    ulong Sequence, int Length, int Records, LogIndex First, LogIndex Start, LogIndex Commit, bool Reset, uint RecordsChecksum,
    GroupId Group)
{
    public const int Bytes = 64;
    private const uint Magic = 0x4D52_4651;

    /// <summary>The size of the frame on disk: the header, the records, and the rest of their last sector.</summary>
    public int LengthOnDisk => Sectors.RoundUp(Length);

    public void Write(Span<byte> target, ulong nonce, long offset)
    {
        target[..Bytes].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Magic);
        BinaryPrimitives.WriteUInt64LittleEndian(target[8..], Sequence);
        BinaryPrimitives.WriteInt32LittleEndian(target[16..], Length);
        BinaryPrimitives.WriteInt32LittleEndian(target[20..], Records);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], First.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], Start.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[40..], Commit.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(target[48..], Reset ? 1u : 0);
        BinaryPrimitives.WriteUInt32LittleEndian(target[52..], RecordsChecksum);
        BinaryPrimitives.WriteUInt64LittleEndian(target[56..], Group.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Of(target[4..Bytes]) ^ Sectors.SealOf(nonce, offset));
    }

    /// <summary>Reads a header; returns false when the bytes are not a header that was written to this offset.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, ulong nonce, long offset, out WalFrameHeader header)
    {
        header = default;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Magic ||
            BinaryPrimitives.ReadUInt32LittleEndian(source) != (Crc32C.Of(source[4..Bytes]) ^ Sectors.SealOf(nonce, offset)))
            return false;

        header = new WalFrameHeader(
            BinaryPrimitives.ReadUInt64LittleEndian(source[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[16..]),
            BinaryPrimitives.ReadInt32LittleEndian(source[20..]),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source[24..])),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source[32..])),
            new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(source[40..])),
            BinaryPrimitives.ReadUInt32LittleEndian(source[48..]) != 0,
            BinaryPrimitives.ReadUInt32LittleEndian(source[52..]),
            new GroupId(BinaryPrimitives.ReadUInt64LittleEndian(source[56..])));
        return header.Length >= Bytes && header.Records >= 0;
    }
}
