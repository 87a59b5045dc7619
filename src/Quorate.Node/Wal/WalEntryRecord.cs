using System.Buffers.Binary;
using Quorate.Node.Storage;
using Quorate.Raft;

namespace Quorate.Node.Wal;

/// <summary>The record of one log entry within a frame. All integers are little-endian.</summary>
/// <remarks><code>
///   0   4  crc32c over bytes 4 .. end of the record, xor the seal of this offset
///   4   4  length of the payload, bytes
///   8   1  kind of record: 1, an entry
///   9   1  kind of entry: 1 no-op, 2 command, 3 configuration
///  10   6  zero
///  16   8  index
///  24   8  term
///  32   8  node id of the proposer
///  40   8  sequence number of the proposal
///  48   n  payload, then zeroes up to the next multiple of 8
/// </code>
/// Any change here bumps <see cref="SegmentHeader.Version"/>, docs/formats/wal.md and the golden file together.
/// </remarks>
internal static class WalEntryRecord
{
    public const int HeaderBytes = 48;
    public const byte RecordKind = 1;

    /// <summary>Computes the size of a record with a payload of this size, bytes.</summary>
    public static int SizeOf(int payloadBytes) => (HeaderBytes + payloadBytes + 7) & -8;

    /// <summary>Writes the record. Its checksum is not sealed yet, because the offset of the record is not known.</summary>
    public static void Write(Span<byte> target, in LogEntry entry)
    {
        var payload = entry.Payload.Span;
        var size = SizeOf(payload.Length);
        BinaryPrimitives.WriteInt32LittleEndian(target[4..], payload.Length);
        target[8] = RecordKind;
        target[9] = (byte)entry.Kind;
        target[10..16].Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(target[16..], entry.Index.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[24..], entry.Term.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[32..], entry.Proposal.Origin.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[40..], entry.Proposal.Sequence);
        payload.CopyTo(target[HeaderBytes..]);
        target[(HeaderBytes + payload.Length)..size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Of(target[4..size]));
    }

    /// <summary>Seals the checksum: ties it to the offset that the record will have.</summary>
    /// <returns>The size of the record, bytes.</returns>
    public static int Seal(Span<byte> record, ulong nonce, long offset)
    {
        var crc = BinaryPrimitives.ReadUInt32LittleEndian(record);
        BinaryPrimitives.WriteUInt32LittleEndian(record, crc ^ Sectors.SealOf(nonce, offset));
        return SizeOf(BinaryPrimitives.ReadInt32LittleEndian(record[4..]));
    }

    /// <summary>Returns the size that the header of a record declares; 0 when a record of that size does not fit.</summary>
    public static int DeclaredSize(ReadOnlySpan<byte> header, long availableBytes)
    {
        var length = BinaryPrimitives.ReadInt32LittleEndian(header[4..]);
        return length < 0 || length > availableBytes - HeaderBytes || SizeOf(length) > availableBytes ? 0 : SizeOf(length);
    }

    /// <summary>Whether the record is the one that was written to this offset.</summary>
    public static bool IsValid(ReadOnlySpan<byte> record, ulong nonce, long offset) =>
        BinaryPrimitives.ReadUInt32LittleEndian(record) == (Crc32C.Of(record[4..]) ^ Sectors.SealOf(nonce, offset)) &&
        record[8] == RecordKind && record[9] is >= (byte)EntryKind.NoOp and <= (byte)EntryKind.ClusterVersion;

    /// <summary>Reads the entry id from a valid record, or from one that is about to be written.</summary>
    public static EntryId IdOf(ReadOnlySpan<byte> record) => new(
        new Term(BinaryPrimitives.ReadUInt64LittleEndian(record[24..])),
        new LogIndex(BinaryPrimitives.ReadUInt64LittleEndian(record[16..])));

    /// <summary>Decodes the entry of a valid record; the payload is a slice of the record's memory.</summary>
    public static LogEntry Decode(ReadOnlyMemory<byte> record)
    {
        var bytes = record.Span;
        var proposal = new ProposalId(
            new NodeId(BinaryPrimitives.ReadUInt64LittleEndian(bytes[32..])), BinaryPrimitives.ReadUInt64LittleEndian(bytes[40..]));
        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes[4..]);
        return new LogEntry(IdOf(bytes), (EntryKind)bytes[9], proposal, record.Slice(HeaderBytes, length));
    }
}
