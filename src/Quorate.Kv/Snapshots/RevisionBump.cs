#pragma warning disable RS0030 // A Stream is where the state machine's interface reads and writes a snapshot.

namespace Quorate.Kv.Snapshots;

/// <summary>Copies a snapshot with a higher revision, which is the compact revision too.</summary>
/// <remarks>
/// Only the header changes: the versions are encoded relative to each other. The restored store sweeps with its next commands, as after a
/// compaction (<see cref="Mvcc.MvccWriter.Compact"/>): it continues where the last sweep ended, but for the changes of the old compact
/// revision, which that sweep kept.
/// </remarks>
internal static class RevisionBump
{
    public static void Copy(Stream source, Stream destination, long bump)
    {
        var reader = new SnapshotReader(source);
        var writer = new SnapshotWriter(destination);
        SnapshotDecoder.ExpectStart(reader);
        writer.Bytes(KvSnapshotFormat.Magic);
        writer.Number(KvSnapshotFormat.Format);
        writer.Number(reader.Number());
        var revision = reader.Number(1, long.MaxValue - 1, "the revision");
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bump, long.MaxValue - 1 - revision);
        var compacted = reader.Number(0, revision + 1, "the compact revision + 1") - 1;
        var sweptMain = reader.Number();
        var sweptSub = reader.Number();
        writer.Number((ulong)(revision + bump));
        writer.Number((ulong)(revision + bump + 1));
        writer.Number(sweptMain);
        writer.Number(sweptMain == (ulong)compacted ? 0 : sweptSub);
        reader.CopyRestTo(writer);
        writer.Finish();
    }
}
