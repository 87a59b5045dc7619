using System.Buffers.Binary;
using System.Numerics;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Mvcc;

/// <summary>CRC-32C over every version that can be read at or after the compact revision, up to a revision.</summary>
/// <remarks>
/// Two members that applied the same commands have the same hash, regardless of the layout of their pages and of how far each has swept.
/// Each version contributes its revision, create revision, version, lease, and the lengths and bytes of key and value, all little-endian.
/// </remarks>
internal static class RevisionHash
{
    public static uint Compute(in MvccView view, bool isSwept, long revision)
    {
        // The hash starts with a constant, so that an empty store does not hash to 0, which clients interpret as no hash.
        var hash = Append(uint.MaxValue, "quorate kv"u8);
        Span<byte> fields = stackalloc byte[44];
        for (var cursor = new TreeCursor(view.History, []); cursor.IsValid; cursor.MoveNext())
        {
            var at = Revision.FromKey(cursor.Key);
            if (at.Main > revision)
                break;
            var kv = VersionRecord.Read(at, cursor.Value).Kv;
            if (!isSwept && at.Main <= view.CompactRevision && !IsReadable(view, at, kv))
                continue;

            BinaryPrimitives.WriteInt64LittleEndian(fields, at.Main);
            BinaryPrimitives.WriteInt32LittleEndian(fields[8..], at.Sub);
            BinaryPrimitives.WriteInt64LittleEndian(fields[12..], kv.CreateRevision);
            BinaryPrimitives.WriteInt64LittleEndian(fields[20..], kv.Version);
            BinaryPrimitives.WriteInt64LittleEndian(fields[28..], kv.Lease);
            BinaryPrimitives.WriteInt32LittleEndian(fields[36..], kv.Key.Length);
            BinaryPrimitives.WriteInt32LittleEndian(fields[40..], kv.Value.Length);
            hash = Append(Append(Append(hash, fields), kv.Key.Span), kv.Value.Span);
        }

        return ~hash;
    }

    /// <summary>
    /// Whether a compacted version can still be read: only the version of each key that was its newest at the compact revision, and a
    /// deletion only if it was made at the compact revision itself.
    /// </summary>
    private static bool IsReadable(in MvccView view, Revision at, in KeyValue kv) =>
        at.Main == view.CompactRevision || kv.Version != 0 && view.TryGetRecord(kv.Key.Span, out var newest)
        && view.GetAt(newest, view.CompactRevision) is { } kept && kept.ModRevision == at.Main;

    /// <summary>Continues a CRC-32C over more bytes.</summary>
    /// <remarks>
    /// The same function as <c>Crc32C</c> in Quorate.Node, which this pure project must not reference. The only project below both is
    /// Quorate.Raft; there it would become part of the public API of the protocol, for a loop of four lines.
    /// </remarks>
    public static uint Append(uint hash, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
            hash = BitOperations.Crc32C(hash, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        foreach (var b in bytes)
            hash = BitOperations.Crc32C(hash, b);
        return hash;
    }
}
