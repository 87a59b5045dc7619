namespace Quorate.Raft;

/// <summary>How the leader sends to a follower.</summary>
public enum ReplicationState : byte
{
    /// <summary>Where the logs agree is not known: one message at a time, until one is accepted.</summary>
    Probe = 0,

    /// <summary>The logs agree up to a known place: messages follow one another without waiting, up to the window.</summary>
    Replicate = 1,

    /// <summary>What the follower lacks is no longer in the log: it needs a snapshot.</summary>
    Snapshot = 2,
}

/// <summary>What the leader knows of one other member, and how far it has sent.</summary>
/// <remarks>
/// <code>
///   Match &lt; Next          Match: on the follower's disk, for certain.    Next: the first entry not sent yet.
///
///            accepted               refused, connection lost
///   Probe ─────────────► Replicate ──────────────────────────► Probe
///     └──── its next entry is gone from the log ────► Snapshot ─┘ accepted at or after our first entry
/// </code>
/// Source: paper Fig. 2 "Volatile state on leaders", thesis §10.2.1 (pipelining).
/// </remarks>
internal sealed class FollowerProgress(NodeId node, LogIndex next, int messagesMax, long bytesMax)
{
    /// <summary>The member.</summary>
    public NodeId Node { get; } = node;

    /// <summary>How entries are sent to it.</summary>
    public ReplicationState State { get; private set; }

    /// <summary>The last index known to be on its disk and equal to ours.</summary>
    public LogIndex Match { get; private set; }

    /// <summary>The first index not sent yet.</summary>
    public LogIndex Next { get; private set; } = next;

    /// <summary>What is on its way.</summary>
    public InflightWindow Inflight { get; private set; } = new(messagesMax, bytesMax);

    /// <summary>In <see cref="ReplicationState.Probe"/>: a probe is out, and the next waits for its answer or for a heartbeat.</summary>
    public bool IsProbeInFlight { get; private set; }

    /// <summary>The place the newest probe asked about.</summary>
    private LogIndex _probedIndex;

    /// <summary>Entries for it are being read back from the disk.</summary>
    public bool IsLoading { get; set; }

    /// <summary>A heartbeat is due to it.</summary>
    public bool HeartbeatIsDue { get; set; }

    /// <summary>The commit index it was last told.</summary>
    public LogIndex CommitSent { get; set; }

    /// <summary>The last round it was told.</summary>
    public ulong RoundSent { get; set; }

    /// <summary>The last round it has answered.</summary>
    public ulong RoundAcknowledged { get; set; }

    /// <summary>The leader's tick at which it was last heard.</summary>
    public ulong LastReplyTick { get; set; }

    /// <summary>Entries up to <paramref name="last"/> have left for it.</summary>
    public void OnEntriesSent(LogIndex last, long bytes)
    {
        Invariant.That(last >= Next);
        Next = last + 1;
        Inflight.Add(last, bytes);
    }

    /// <summary>A message whose entries follow <paramref name="previous"/>, or that has none, is about to leave for it.</summary>
    public void RecordProbe(LogIndex previous)
    {
        if (State != ReplicationState.Probe)
            return;
        IsProbeInFlight = true;
        _probedIndex = previous;
    }

    /// <summary>A probe that was not answered by the time of a heartbeat may be lost.</summary>
    public void OnHeartbeatInterval()
    {
        HeartbeatIsDue = true;
        IsProbeInFlight = false;
    }

    /// <summary>It holds everything up to <paramref name="index"/>.</summary>
    public void OnAccepted(LogIndex index)
    {
        Match = LogIndex.Max(Match, index);
        Next = LogIndex.Max(Next, Match + 1);
        Inflight.FreeUpTo(Match);
        IsProbeInFlight = false;
        if (State != ReplicationState.Replicate)
            State = ReplicationState.Replicate;
    }

    /// <summary>It lacks the entry at <paramref name="rejected"/>, or has another there. False when the refusal is old news.</summary>
    public bool TryDecrementNext(LogIndex rejected, LogIndex matchHint)
    {
        // A refusal of something at or before what it has acknowledged crossed that acknowledgement on the way. In Probe only the
        // answer to the newest probe counts: Next may lie beyond the entries that it carried.
        if (rejected <= Match || (State == ReplicationState.Probe && rejected != _probedIndex))
            return false;

        BecomeProbe();
        Next = LogIndex.Max(LogIndex.Min(rejected, matchHint + 1), Match + 1);
        return true;
    }

    /// <summary>What was on its way may be lost: ask again where the logs agree.</summary>
    public void BecomeProbe()
    {
        State = ReplicationState.Probe;
        Next = Match + 1;
        Inflight.Clear();
        IsProbeInFlight = false;
        IsLoading = false;
    }

    /// <summary>Its next entry is gone from the log.</summary>
    public void BecomeSnapshot()
    {
        State = ReplicationState.Snapshot;
        Inflight.Clear();
        IsProbeInFlight = false;
        IsLoading = false;
    }

    /// <summary>The same progress, to go on with apart.</summary>
    public FollowerProgress Clone()
    {
        var clone = (FollowerProgress)MemberwiseClone();
        clone.Inflight = Inflight.Clone();
        return clone;
    }

    /// <summary>Writes all but when it was heard.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IStateWriter
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
