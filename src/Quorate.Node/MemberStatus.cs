using Quorate.Raft;

namespace Quorate.Node;

/// <summary>A member of the cluster as one node sees it.</summary>
public sealed record MemberStatus
{
    /// <summary>The member.</summary>
    public required NodeId NodeId { get; init; }

    /// <summary>Whether the member votes; a learner does not.</summary>
    public bool IsVoter { get; init; } = true;

    /// <summary>
    /// The time since bytes of the member last arrived at this node. Null for this node itself, and for a member of which none have arrived
    /// since this node started.
    /// </summary>
    /// <remarks>
    /// Followers of the same leader may exchange no messages for long. A leader logs a member without contact as silent since the election.
    /// </remarks>
    public TimeSpan? SinceLastContact { get; init; }

    /// <summary>
    /// Whether the state of the member differs from that of a majority of the members, as far as this node knows. The member quarantines
    /// itself.
    /// </summary>
    public bool Diverges { get; init; }

    /// <summary>How far the member's log follows that of this node; null unless this node leads, and for this node itself.</summary>
    /// <remarks>Updated once in every heartbeat interval.</remarks>
    public ReplicationProgress? Progress { get; init; }
}

/// <summary>A leader's view of the log of one follower.</summary>
public sealed record ReplicationProgress
{
    /// <summary>How entries are sent to the follower.</summary>
    public required ReplicationState State { get; init; }

    /// <summary>The last index that is known to be on the follower's disk.</summary>
    public required LogIndex Match { get; init; }

    /// <summary>The first index that was not sent to the follower yet.</summary>
    public required LogIndex Next { get; init; }
}
