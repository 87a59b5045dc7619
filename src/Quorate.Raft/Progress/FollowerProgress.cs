namespace Quorate.Raft;

/// <summary>How the leader sends to a follower.</summary>
public enum ReplicationState : byte
{
    /// <summary>The point up to which the logs agree is unknown: one message at a time, until one is accepted.</summary>
    Probe = 0,

    /// <summary>The logs agree up to a known index: messages are pipelined without waiting for replies, up to the window.</summary>
    Replicate = 1,

    /// <summary>The log no longer holds the entries the follower lacks: the follower needs a snapshot.</summary>
    Snapshot = 2,
}

/// <summary>The leader's view of one other member: what it holds, and what was sent to it.</summary>
/// <remarks>
/// <code>
///   Match &lt; Next          Match: known to be on the follower's disk.    Next: the first entry not sent yet.
///
///            accepted               rejected, connection lost
///   Probe ─────────────► Replicate ──────────────────────────► Probe
///     └──── its next entry is gone from the log ────► Snapshot ─┘ accepted at or after our first entry
/// </code>
/// Source: paper Fig. 2 "Volatile state on leaders", thesis §10.2.1 (pipelining).
/// </remarks>
internal sealed class FollowerProgress(NodeId node, LogIndex next, int messagesMax, long bytesMax)
{
    /// <summary>The member.</summary>
    public NodeId Node { get; } = node;

    /// <summary>How entries are sent to the follower.</summary>
    public ReplicationState State { get; private set; }

    /// <summary>The last index known to be on the follower's disk and equal to the leader's entry.</summary>
    public LogIndex Match { get; private set; }

    /// <summary>The first index not sent yet.</summary>
    public LogIndex Next { get; private set; } = next;

    /// <summary>The messages in flight.</summary>
    public InflightWindow Inflight { get; private set; } = new(messagesMax, bytesMax);

    /// <summary>
    /// In <see cref="ReplicationState.Probe"/>: whether a probe is in flight; the next one waits for its reply or for a heartbeat.
    /// </summary>
    public bool IsProbeInFlight { get; private set; }

    /// <summary>The previous index of the newest probe.</summary>
    private LogIndex _probedIndex;

    /// <summary>Whether entries for the follower are being loaded from the disk.</summary>
    public bool IsLoading { get; set; }

    /// <summary>Whether a heartbeat to the follower is due.</summary>
    public bool HeartbeatIsDue { get; set; }

    /// <summary>The commit index last sent to the follower.</summary>
    public LogIndex CommitSent { get; set; }

    /// <summary>The last round sent to the follower.</summary>
    public ulong RoundSent { get; set; }

    /// <summary>The last round the follower has acknowledged.</summary>
    public ulong RoundAcknowledged { get; set; }

    /// <summary>The leader's tick at which the follower last replied.</summary>
    public ulong LastReplyTick { get; set; }

    /// <summary>Records that entries up to <paramref name="last"/> were sent.</summary>
    public void OnEntriesSent(LogIndex last, long bytes)
    {
        Invariant.That(last >= Next);
        Next = last + 1;
        Inflight.Add(last, bytes);
    }

    /// <summary>
    /// Records, in <see cref="ReplicationState.Probe"/>, that a message is about to be sent whose entries follow
    /// <paramref name="previous"/>, or that has no entries.
    /// </summary>
    public void RecordProbe(LogIndex previous)
    {
        if (State != ReplicationState.Probe)
            return;
        IsProbeInFlight = true;
        _probedIndex = previous;
    }

    /// <summary>Makes a heartbeat due. A probe without a reply at the time of a heartbeat may be lost.</summary>
    public void OnHeartbeatInterval()
    {
        HeartbeatIsDue = true;
        IsProbeInFlight = false;
    }

    /// <summary>Records that the follower holds everything up to <paramref name="index"/>.</summary>
    public void OnAccepted(LogIndex index)
    {
        Match = LogIndex.Max(Match, index);
        Next = LogIndex.Max(Next, Match + 1);
        Inflight.FreeUpTo(Match);
        IsProbeInFlight = false;
        if (State != ReplicationState.Replicate)
            State = ReplicationState.Replicate;
    }

    /// <summary>
    /// Moves <see cref="Next"/> back because the follower lacks the entry at <paramref name="rejected"/> or has another one there.
    /// Returns false when the rejection is stale.
    /// </summary>
    public bool TryDecrementNext(LogIndex rejected, LogIndex matchHint)
    {
        // A rejection of an index at or before Match was overtaken by the acknowledgement of that index. In Probe only the reply to the
        // newest probe counts: Next may already be beyond the entries that the probe carried.
        if (rejected <= Match || (State == ReplicationState.Probe && rejected != _probedIndex))
            return false;

        BecomeProbe();
        Next = LogIndex.Max(LogIndex.Min(rejected, matchHint + 1), Match + 1);
        return true;
    }

    /// <summary>
    /// Returns to Probe: messages in flight may be lost, so the leader searches again for the index up to which the logs agree.
    /// </summary>
    public void BecomeProbe()
    {
        State = ReplicationState.Probe;
        Next = Match + 1;
        Inflight.Clear();
        IsProbeInFlight = false;
        IsLoading = false;
    }

    /// <summary>Moves to Snapshot: the log no longer holds the follower's next entry.</summary>
    public void BecomeSnapshot()
    {
        State = ReplicationState.Snapshot;
        Inflight.Clear();
        IsProbeInFlight = false;
        IsLoading = false;
    }

    /// <summary>Returns an independent copy.</summary>
    public FollowerProgress Clone()
    {
        var clone = (FollowerProgress)MemberwiseClone();
        clone.Inflight = Inflight.Clone();
        return clone;
    }

    /// <summary>Writes everything except <see cref="LastReplyTick"/>.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number((ulong)State);
        state.Number(Match.Value);
        state.Number(Next.Value);
        Inflight.WriteState(state);
        state.Number((IsProbeInFlight ? 1UL : 0) | (IsLoading ? 2UL : 0) | (HeartbeatIsDue ? 4UL : 0));
        state.Number(_probedIndex.Value);
        state.Number(CommitSent.Value);
        state.Number(RoundSent);
        state.Number(RoundAcknowledged);
    }
}
