namespace Quorate.Raft;

/// <summary>How the leader sends to a follower.</summary>
public enum ReplicationState : byte
{
    /// <summary>The point up to which the logs agree is unknown: entries are sent once, until a reply settles the point.</summary>
    Probe = 0,

    /// <summary>The logs agree up to a known index: messages are pipelined without waiting for replies, up to the window.</summary>
    Replicate = 1,

    /// <summary>The log no longer holds the entries the follower lacks: the follower needs a snapshot.</summary>
    Snapshot = 2,
}

/// <summary>The leader's view of one other member: what it holds, and what was sent to it.</summary>
/// <remarks>
/// <code>
///   Match &lt; Next          Match: known to be on the follower's disk.
///                         Next in Replicate: the first entry not sent yet. In Probe: one after the entry under test.
///
///            accepted               rejected, connection lost
///   Probe ─────────────► Replicate ──────────────────────────► Probe
///     └──── its next entry is gone from the log ────► Snapshot ─┘ accepted at or after our first entry
/// </code>
/// In Probe, each message to the follower, be it a probe, a heartbeat or a read round, names the same previous entry, the one at Next - 1.
/// The first reply to any of them settles whether the follower has that entry, whichever are lost, delayed or overtaken; after it, replies
/// about that entry are stale, because Next has moved. For this, a probe with entries must not advance Next. Example: a heartbeat interval
/// of 10 ticks, a round trip of 16.
/// <code>
///   leader    t1 t1 t1 t2 t2 t4          follower    t1 t1 t1 t1 t3          Next = 6
///
///   tick  0   the leader sends entry 6, previous t2/5           arrives at 8: rejected, the last entry of t2 or less is t1/4
///   tick 10   heartbeat, previous t2/5                          arrives at 18: rejected, the same
///   tick 16   first rejection: the last entry of t1 up to 4 is t1/3, so Next = 4; the leader sends 4 to 6, previous t1/3
///   tick 26   second rejection, of 5: stale, since Next - 1 = 3
///   tick 32   accepted up to 6: Replicate
/// </code>
/// If the first probe advanced Next to 7, the heartbeat would name entry 6. The rejection of 5 would then count as stale at tick 16, and so
/// would each later one: every rejection would arrive after another heartbeat had replaced the entry under test.
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

    /// <summary>
    /// In <see cref="ReplicationState.Replicate"/> the first index not sent yet; otherwise the index after the entry under test.
    /// </summary>
    public LogIndex Next { get; private set; } = next;

    /// <summary>The messages in flight; none in <see cref="ReplicationState.Probe"/>.</summary>
    public InflightWindow Inflight { get; private set; } = new(messagesMax, bytesMax);

    /// <summary>
    /// In <see cref="ReplicationState.Probe"/>: whether entries after <see cref="Next"/> - 1 were sent. They are not sent again while it is
    /// unknown whether the follower can append them; if they were lost, the reply to the next heartbeat settles the same entry.
    /// </summary>
    public bool IsProbeInFlight { get; private set; }

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

    /// <summary>The leader's clock when it sent the newest message for which the follower has granted a lease; 0: none.</summary>
    public ulong LeaseStamp { get; set; }

    /// <summary>The leader's tick at which the follower last replied.</summary>
    public ulong LastReplyTick { get; set; }

    /// <summary>The index of the configuration that does not contain the follower any more; 0: it is a member.</summary>
    public LogIndex RemovedAt { get; set; }

    /// <summary>The leader's tick at which it was removed or, until that is committed, the current one.</summary>
    public ulong RemovedTick { get; set; }

    /// <summary>The leader's tick since which a learner that is to become a voter has kept up; null: it has not.</summary>
    public ulong? CaughtUpSince { get; set; }

    /// <summary>Whether the follower has reported that its disk is short of space, or full.</summary>
    public bool IsShortOfSpace { get; set; }

    /// <summary>Whether the follower has reported that it cannot write its disk. Only observers read it.</summary>
    public bool CannotWrite { get; set; }

    /// <summary>Whether the follower has reported that it does not vote, because it has lost entries. Only observers read it.</summary>
    public bool IsRepairing { get; set; }

    /// <summary>Records that the entries from <see cref="Next"/> up to <paramref name="last"/> were sent.</summary>
    public void OnEntriesSent(LogIndex last, long bytes)
    {
        Invariant.That(last >= Next);
        if (State == ReplicationState.Probe)
        {
            IsProbeInFlight = true;
            return;
        }

        Next = last + 1;
        Inflight.Add(last, bytes);
    }

    /// <summary>Records that the follower holds everything up to <paramref name="index"/>.</summary>
    public void OnAccepted(LogIndex index)
    {
        Match = LogIndex.Max(Match, index);
        Inflight.FreeUpTo(Match);

        // A reply that does not reach the entry under test does not end the search: it is older than the test, or the follower has not
        // flushed that entry yet.
        if (Match + 1 < Next)
            return;
        Next = Match + 1;
        State = ReplicationState.Replicate;
        IsProbeInFlight = false;
    }

    /// <summary>
    /// Moves <see cref="Next"/> back because the follower lacks the entry at <paramref name="rejected"/> or has another one there.
    /// Returns false when the rejection is stale.
    /// </summary>
    public bool TryDecrementNext(LogIndex rejected, LogIndex matchHint)
    {
        // In Probe only a rejection of the entry under test counts. In Replicate no message has named an entry at or after Next, so a
        // rejection of such an entry is left over from an earlier search. A rejection of an entry at or before Match was overtaken by its
        // acknowledgement.
        var isCurrent = State == ReplicationState.Probe ? rejected + 1 == Next : rejected < Next;
        if (!isCurrent || rejected <= Match)
            return false;

        BecomeProbe();
        Next = LogIndex.Max(LogIndex.Min(rejected, matchHint + 1), Match + 1);
        return true;
    }

    /// <summary>
    /// Records that the connection was closed: what was in flight may be lost. A search continues where it is; started again from Match, it
    /// would end at once and send the follower the whole log after Match, which is 0 until the first acknowledgement.
    /// </summary>
    public void OnConnectionLost()
    {
        if (State == ReplicationState.Replicate)
            BecomeProbe();
        IsProbeInFlight = false;
        IsLoading = false;
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

    /// <summary>Returns what observers see of the follower at a tick.</summary>
    public FollowerStatus ToStatus(ulong now) => new(Node, State, Match, Next)
    {
        TicksSinceReply = now - LastReplyTick,
        IsShortOfSpace = IsShortOfSpace,
        CannotWrite = CannotWrite,
        IsRepairing = IsRepairing,
    };

    /// <summary>Returns an independent copy.</summary>
    public FollowerProgress Clone()
    {
        var clone = (FollowerProgress)MemberwiseClone();
        clone.Inflight = Inflight.Clone();
        return clone;
    }

    /// <summary>Writes everything except the ticks.</summary>
    public void WriteState<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number((ulong)State);
        state.Number(Match.Value);
        state.Number(Next.Value);
        Inflight.WriteState(state);
        state.Number((IsProbeInFlight ? 1UL : 0) | (IsLoading ? 2UL : 0) | (HeartbeatIsDue ? 4UL : 0));
        state.Number(RemovedAt.Value);
        state.Number(CommitSent.Value);
        state.Number(RoundSent);
        state.Number(RoundAcknowledged);
    }
}
