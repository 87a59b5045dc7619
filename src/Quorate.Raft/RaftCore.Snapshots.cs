namespace Quorate.Raft;

/// <summary>Snapshots: when entries leave the log, and how a snapshot of another member replaces the log.</summary>
/// <remarks>
/// A snapshot is the state after a prefix of the log that is committed, so it is valid whichever member took it and whoever leads: it needs
/// no term of its own. Taking, sending and receiving the bytes is the driver's part; the core is notified when a snapshot is durable.
/// Source: thesis §5.
/// </remarks>
public sealed partial class RaftCore
{
    /// <summary>The last entry that the newest snapshot on this node's disk covers.</summary>
    private EntryId _snapshot;

    private void OnSnapshotSaved(EntryId last, LogIndex compactTo, Effects effects)
    {
        Invariant.That(last.Index <= _applied, "a snapshot contains applied entries only");
        Invariant.That(compactTo <= last.Index, "only entries that the snapshot covers are dropped");

        // A snapshot that was received meanwhile may cover more.
        if (last.Index <= _snapshot.Index)
            return;
        _snapshot = last;
        Trace(TraceKind.SnapshotSaved, effects, index: last.Index);

        // A follower that receives a snapshot continues behind it. If those entries were dropped before it has the whole snapshot, it would
        // need the next snapshot, and perhaps never catch up.
        if (Array.Exists(_followers, static f => f.State == ReplicationState.Snapshot))
            return;
        Compact(LogIndex.Min(compactTo, _log.Durable), effects);
    }

    private void Compact(LogIndex index, Effects effects)
    {
        if (index <= _log.Compacted.Index)
            return;
        _log.CompactTo(index);
        effects.CompactTo = index;
        Trace(TraceKind.Compacted, effects, index: index);
    }

    private void OnSnapshotReceived(EntryId last, Effects effects)
    {
        // A leader's log contains all committed entries. On another node, the entries may have arrived from the leader meanwhile; then the
        // leader's next message commits them.
        if (_role == Role.Leader || last.Index <= _commit || _log.Has(last))
            return;

        // The entries of the snapshot are committed and this node's log lacks the last one: what follows in it conflicts with the snapshot.
        if (last.Term > _term || _role != Role.Follower)
            BecomeFollower(last.Term > _term ? last.Term : _term, NodeId.None, effects);
        ResolveReplacedProposals(last, effects);
        ResetLog(last);
        _snapshot = last;
        _commit = _applyingIndex = last.Index;
        _applyWindow.Add(last.Index, 0);
        effects.RestoreSnapshot = last;
        Trace(TraceKind.SnapshotInstalled, effects, index: last.Index);
    }
}
