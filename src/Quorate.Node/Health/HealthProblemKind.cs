namespace Quorate.Node.Health;

/// <summary>What is wrong with a cluster or one of its members, the most severe first.</summary>
public enum HealthProblemKind : byte
{
    /// <summary>The node that was asked has not run for longer than an election timeout: what it knows is old.</summary>
    NodePaused = 0,

    /// <summary>The node knows no leader: writes and linearizable reads wait.</summary>
    NoLeader = 1,

    /// <summary>The healthy voters are no quorum: a write is not committed until one more is healthy.</summary>
    NoQuorum = 2,

    /// <summary>Entries wait to be committed, and the commit index has not moved for three election timeouts.</summary>
    CommitStalled = 3,

    /// <summary>The states of the members differ, and no majority agrees: nothing shows which member is right.</summary>
    StatesDiffer = 4,

    /// <summary>The members that are not short of space are no quorum: writes that take more space are rejected.</summary>
    QuorumShortOfSpace = 5,

    /// <summary>The state of a member differs from that of a majority: it serves no request until it is rebuilt.</summary>
    Quarantined = 6,

    /// <summary>A member does not reply, or is not connected.</summary>
    Unreachable = 7,

    /// <summary>The disk of a member is full.</summary>
    DiskFull = 8,

    /// <summary>The disk of a member completes no write.</summary>
    DiskStalled = 9,

    /// <summary>A member has lost entries, receives them again, and does not vote until it has them.</summary>
    Repairing = 10,

    /// <summary>A member lacks entries that are older than an election timeout, or what it holds is not known yet.</summary>
    Lagging = 11,

    /// <summary>The state machine of the node has not applied an entry for three election timeouts, although some wait.</summary>
    ApplyStalled = 12,

    /// <summary>The disk of a member is short of space: that member rejects writes that take more.</summary>
    ShortOfSpace = 13,

    /// <summary>The flushes of the node take longer than a heartbeat interval.</summary>
    DiskSlow = 14,

    /// <summary>A member takes longer than a heartbeat interval to acknowledge entries: its disk or the link to it is slow.</summary>
    AcknowledgesSlowly = 15,
}
