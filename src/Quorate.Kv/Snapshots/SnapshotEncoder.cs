#pragma warning disable RS0030 // A Stream is where the state machine's interface writes a snapshot; the caller decides what is behind it.

using System.Buffers.Binary;
using Quorate.Kv.Leases;
using Quorate.Kv.Mvcc;
using Quorate.Kv.Tree;
using Quorate.Raft;

namespace Quorate.Kv.Snapshots;

/// <summary>Encodes a frozen state of the store in the format of <see cref="KvSnapshotFormat"/>.</summary>
internal static class SnapshotEncoder
{
    public static void Write(in StoreState state, Stream destination)
    {
        var writer = new SnapshotWriter(destination);
        var view = state.View;
        writer.Bytes(KvSnapshotFormat.Magic);
        writer.Number(KvSnapshotFormat.Format);
        writer.Number(state.Applied.Value);
        writer.Number((ulong)view.Revision);
        writer.Number((ulong)(view.CompactRevision + 1));
        writer.Number((ulong)state.SweptUpTo.Main);
        writer.Number((ulong)(state.SweptUpTo.Sub + 1));
        writer.Number((ulong)view.Leases.Clock.Milliseconds);
        writer.Number(view.Leases.Clock.LastAdvance.Value);
        writer.Number(view.Leases.Clock.PreviousAdvance.Value);
        WriteSums(writer, state.Sums);
        if (WriteHistory(writer, view) != state.Sums.History)
        {
            throw new StateCorruptionException(
                "The versions in memory are not those that the commands have written: the sum of their hashes differs. " +
                "The memory of this process was changed by something else, such as a hardware error or a bug.");
        }

        WriteKeys(writer, view);
        WriteLeases(writer, view.Leases);
        writer.Finish();
    }

    private static void WriteSums(SnapshotWriter writer, in StateSums sums)
    {
        Span<byte> bytes = stackalloc byte[StateSums.Bytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, sums.Written);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], sums.Swept);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[16..], sums.LeaseChanges);
        writer.Bytes(bytes);
    }

    /// <summary>Writes the versions; returns the sum of their hashes.</summary>
    private static ulong WriteHistory(SnapshotWriter writer, in MvccView view)
    {
        ulong sum = 0;
        long mainBefore = 0;
        for (var cursor = new TreeCursor(view.History, []); cursor.IsValid; cursor.MoveNext())
        {
            var revision = Revision.FromKey(cursor.Key);
            var version = VersionRecord.Read(revision, cursor.Value);
            var kv = version.Kv;
            writer.Number((ulong)(revision.Main - mainBefore + 1));
            writer.Number((ulong)revision.Sub);
            WriteFields(writer, revision, kv.Version, kv.CreateRevision, kv.Lease);
            WriteLink(writer, revision, version.Previous);
            WriteLink(writer, revision, version.SkipLink);
            writer.Number((ulong)kv.Key.Length);
            if (!version.IsDeletion)
                writer.Number((ulong)kv.Value.Length);
            writer.Bytes(kv.Key.Span);
            writer.Bytes(kv.Value.Span);
            mainBefore = revision.Main;
            sum += RecordHash.OfVersion(revision, kv);
        }

        writer.Number(0);
        return sum;
    }

    private static void WriteKeys(SnapshotWriter writer, in MvccView view)
    {
        for (var cursor = new TreeCursor(view.Keys, []); cursor.IsValid; cursor.MoveNext())
        {
            var record = KeyIndexEntry.Read(cursor.Value.Span);
            writer.Number((ulong)cursor.Key.Length + 1);
            writer.Bytes(cursor.Key);
            writer.Number((ulong)record.Mod.Main);
            writer.Number((ulong)record.Mod.Sub);
            WriteFields(writer, record.Mod, record.Version, record.CreateRevision, record.Lease);
            writer.Number((ulong)record.Ordinal);
            WriteLink(writer, record.Mod, record.SkipLink);
        }

        writer.Number(0);
    }

    private static void WriteLeases(SnapshotWriter writer, in LeaseView leases)
    {
        for (var cursor = new TreeCursor(leases.Leases, []); cursor.IsValid; cursor.MoveNext())
        {
            var lease = LeaseView.Read(BinaryPrimitives.ReadInt64BigEndian(cursor.Key), cursor.Value.Span);
            writer.Signed(lease.Id);
            writer.Number((ulong)lease.TtlSeconds);
            writer.Number(lease.RenewedAt.Value);
            writer.Number(lease.ClockAnchor is { } anchor ? (ulong)anchor + 1 : 0);
        }

        writer.Number(0);
    }

    private static void WriteFields(SnapshotWriter writer, Revision at, long version, long createRevision, long lease)
    {
        writer.Number((ulong)version);
        if (version == 0)
            return;
        writer.Number((ulong)(at.Main - createRevision));
        writer.Signed(lease);
    }

    private static void WriteLink(SnapshotWriter writer, Revision from, Revision to)
    {
        writer.Number(to.IsNone ? 0 : (ulong)(from.Main - to.Main + 1));
        if (!to.IsNone)
            writer.Number((ulong)to.Sub);
    }
}
