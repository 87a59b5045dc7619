namespace Quorate.Raft;

/// <summary>Snapshots: when entries leave the log, and how a snapshot of another member replaces the log.</summary>
/// <remarks>
/// A snapshot is the state after a committed prefix of the log, so it is valid whichever member took it and under every leader: it needs no
/// term of its own. Taking, sending and receiving the bytes is the driver's part; the core is notified when a snapshot is durable.
/// Source: thesis §5.
/// </remarks>
public sealed partial class RaftCore
{
    /// <summary>
    /// How many compactions in a row a leader leaves out for followers that receive a snapshot. A follower that replies and never has the
    /// whole snapshot, because its disk is full for example, must not fill the leader's disk too.
    /// </summary>
    internal const int SkippedCompactionsMax = 16;

    /// <summary>
    /// How long after its last reply a follower that receives a snapshot is waited for, in election timeouts: long enough for a restart.
    /// </summary>
    internal const int ReceivingFollowerTimeouts = 30;

    /// <summary>The last entry that the newest snapshot on this node's disk covers.</summary>
    private EntryId _snapshot;

    /// <summary>The compactions that this node has left out since the last one.</summary>
    private int _skippedCompactions;

    private void OnSnapshotSaved(EntryId last, LogIndex compactTo, Effects effects)
    {
        Invariant.That(last.Index <= _applied, "a snapshot contains applied entries only");
        Invariant.That(compactTo <= last.Index, "only entries that the snapshot covers are dropped");

        // A snapshot that was received meanwhile may cover more.
        if (last.Index <= _snapshot.Index)
            return;
        _snapshot = last;
        _configurations.DropBefore(last.Index);
        Trace(TraceKind.SnapshotSaved, effects, index: last.Index);

        // A follower that receives a snapshot continues behind it. If those entries were dropped before it has the whole snapshot, it would
        // need the next snapshot, and perhaps never catch up.
        if (_skippedCompactions < SkippedCompactionsMax && Array.Exists(_followers, IsReceivingSnapshot))
        {
            _skippedCompactions++;
            return;
        }

        _skippedCompactions = 0;
        Compact(LogIndex.Min(compactTo, _log.Durable), effects);
    }

    /// <summary>Whether a follower receives a snapshot; one that does not reply is down.</summary>
    private bool IsReceivingSnapshot(FollowerProgress follower) =>
        follower.State == ReplicationState.Snapshot
        && _now - follower.LastReplyTick <= ReceivingFollowerTimeouts * (ulong)_options.ElectionTicks;

    private void Compact(LogIndex index, Effects effects)
    {
        if (index <= _log.Compacted.Index)
            return;
        _log.CompactTo(index);
        effects.CompactTo = index;
        Trace(TraceKind.Compacted, effects, index: index);
    }

    private void OnSnapshotReceived(EntryId last, ConfigurationAt? configuration, Effects effects)
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
        if (configuration is { } asOfSnapshot)
        {
            _configurations.Reset(asOfSnapshot);
            UseConfiguration();
        }

        _snapshot = last;
        _commit = _applyingIndex = last.Index;
        _applyWindow.Add(last.Index, 0);
        effects.RestoreSnapshot = last;
        Trace(TraceKind.SnapshotInstalled, effects, index: last.Index);
    }
}
