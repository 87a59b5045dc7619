namespace Quorate.Raft;

/// <summary>What happened inside a core, for logs, dashboards and the specification.</summary>
public enum TraceKind : byte
{
    /// <summary>The node follows; <see cref="TraceEvent.Peer"/> leads, if known.</summary>
    BecameFollower = 1,

    /// <summary>The node asks whether it would be elected.</summary>
    BecamePreCandidate = 2,

    /// <summary>The node stands for election.</summary>
    BecameCandidate = 3,

    /// <summary>The node leads.</summary>
    BecameLeader = 4,

    /// <summary>The node gave its vote to <see cref="TraceEvent.Peer"/>.</summary>
    VoteCast = 5,

    /// <summary>The node would not vote for <see cref="TraceEvent.Peer"/>.</summary>
    VoteRefused = 6,

    /// <summary>The log was extended to <see cref="TraceEvent.Index"/>.</summary>
    Appended = 7,

    /// <summary>Everything from <see cref="TraceEvent.Index"/> on was removed: another leader's log has other entries there.</summary>
    Truncated = 8,

    /// <summary>Entries up to <see cref="TraceEvent.Index"/> are committed.</summary>
    Committed = 9,

    /// <summary>Reads at <see cref="TraceEvent.Index"/> were confirmed by a quorum.</summary>
    ReadConfirmed = 10,

    /// <summary><see cref="TraceEvent.Peer"/> refused entries; the next probe is at <see cref="TraceEvent.Index"/>.</summary>
    FollowerDiverges = 11,

    /// <summary><see cref="TraceEvent.Peer"/> needs a snapshot: its next entry is no longer in the log.</summary>
    FollowerNeedsSnapshot = 12,

    /// <summary>The leader steps down: a quorum has not been heard for an election timeout.</summary>
    QuorumLost = 13,

    /// <summary>The leader steps down: its disk does not answer while its followers' do.</summary>
    DiskStalled = 14,

    /// <summary>The connection of <see cref="TraceEvent.Peer"/>, who led, was closed.</summary>
    LeaderLost = 15,
}

/// <summary>One thing that happened inside a core.</summary>
public readonly record struct TraceEvent(TraceKind Kind, Term Term, NodeId Peer, LogIndex Index)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Kind} term {Term}{(Peer == NodeId.None ? "" : $" peer {Peer}")}{(Index == LogIndex.Zero ? "" : $" index {Index}")}";
}
