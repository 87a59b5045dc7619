namespace Quorate.Raft;

/// <summary>The events inside a core, for logs, dashboards and the specification.</summary>
public enum TraceKind : byte
{
    /// <summary>The node became a follower; <see cref="TraceEvent.Peer"/> is the leader, if known.</summary>
    BecameFollower = 1,

    /// <summary>The node requests pre-votes.</summary>
    BecamePreCandidate = 2,

    /// <summary>The node started an election.</summary>
    BecameCandidate = 3,

    /// <summary>The node became leader.</summary>
    BecameLeader = 4,

    /// <summary>The node granted its vote to <see cref="TraceEvent.Peer"/>.</summary>
    VoteCast = 5,

    /// <summary>The node denied its vote to <see cref="TraceEvent.Peer"/>.</summary>
    VoteRefused = 6,

    /// <summary>The log was extended to <see cref="TraceEvent.Index"/>.</summary>
    Appended = 7,

    /// <summary>Everything from <see cref="TraceEvent.Index"/> on was removed: another leader's log has other entries there.</summary>
    Truncated = 8,

    /// <summary>Entries up to <see cref="TraceEvent.Index"/> are committed.</summary>
    Committed = 9,

    /// <summary>Reads at <see cref="TraceEvent.Index"/> were confirmed by a quorum.</summary>
    ReadConfirmed = 10,

    /// <summary>The follower <see cref="TraceEvent.Peer"/> rejected entries; the next probe is at <see cref="TraceEvent.Index"/>.</summary>
    FollowerDiverges = 11,

    /// <summary>The follower <see cref="TraceEvent.Peer"/> needs a snapshot: its next entry is no longer in the log.</summary>
    FollowerNeedsSnapshot = 12,

    /// <summary>The leader steps down: it received no reply from a quorum for an election timeout.</summary>
    QuorumLost = 13,

    /// <summary>
    /// The leader passes leadership on or steps down: its disk completes no append while its followers' disks do, or while a follower needs
    /// entries from it, or there is no space on it.
    /// </summary>
    DiskStalled = 14,

    /// <summary>The connection of <see cref="TraceEvent.Peer"/>, the leader, was closed.</summary>
    LeaderLost = 15,

    /// <summary>
    /// A message of <see cref="TraceEvent.Peer"/> was ignored: its term, <see cref="TraceEvent.Term"/>, is more than <see
    /// cref="RaftCore.TermsAheadMax"/> ahead of the node's term.
    /// </summary>
    TermRejected = 16,

    /// <summary>A snapshot up to <see cref="TraceEvent.Index"/> is durable.</summary>
    SnapshotSaved = 17,

    /// <summary>Entries up to <see cref="TraceEvent.Index"/> were dropped from the log: a snapshot covers them.</summary>
    Compacted = 18,

    /// <summary>The log was replaced by a received snapshot up to <see cref="TraceEvent.Index"/>.</summary>
    SnapshotInstalled = 19,

    /// <summary>The leader transfers its leadership to <see cref="TraceEvent.Peer"/>.</summary>
    TransferStarted = 20,

    /// <summary>
    /// The transfer to <see cref="TraceEvent.Peer"/> did not end before its deadline, or the connection to the target was closed; the
    /// leader leads on.
    /// </summary>
    TransferExpired = 21,

    /// <summary>
    /// The leader's disk has been much slower than that of <see cref="TraceEvent.Peer"/> for three election timeouts; a transfer follows.
    /// </summary>
    DiskSlow = 22,

    /// <summary>The driver reported another <see cref="StorageHealth"/>; <see cref="TraceEvent.Index"/> is its number.</summary>
    StorageHealthChanged = 23,

    /// <summary>So many voters are short of space that no quorum remains of those that are not.</summary>
    QuorumShortOfSpace = 24,

    /// <summary>A quorum of the voters has space again.</summary>
    QuorumHasSpace = 25,

    /// <summary>
    /// The node had lost entries that it had acknowledged, and now holds the log of a later leader up to <see cref="TraceEvent.Index"/>:
    /// it votes again.
    /// </summary>
    Repaired = 26,

    /// <summary>The leader passes leadership on because its state machine is quarantined; a transfer follows.</summary>
    LeaderQuarantined = 27,

    /// <summary>
    /// Another configuration is in force, that of <see cref="TraceEvent.Index"/>, or the configuration is committed now.
    /// </summary>
    ConfigurationChanged = 30,

    /// <summary>
    /// The leader does not vote in the configuration of <see cref="TraceEvent.Index"/>, which is committed. It transfers leadership to
    /// <see cref="TraceEvent.Peer"/>, or steps down.
    /// </summary>
    LeaderRemoved = 31,
}

/// <summary>One event inside a core.</summary>
public readonly record struct TraceEvent(TraceKind Kind, Term Term, NodeId Peer, LogIndex Index)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Kind} term {Term}{(Peer == NodeId.None ? "" : $" peer {Peer}")}{(Index == LogIndex.Zero ? "" : $" index {Index}")}";
}
