using Quorate.Raft;

namespace Quorate.Node.Health;

/// <summary>The health of one member, as far as the node that was asked knows it.</summary>
public sealed class MemberHealth
{
    /// <summary>The member.</summary>
    public required NodeId NodeId { get; init; }

    /// <summary>The name of the member (<see cref="RaftNodeOptions.MemberNames"/>), or its id.</summary>
    public required string Name { get; init; }

    /// <summary>Whether the member votes; a learner does not.</summary>
    public required bool IsVoter { get; init; }

    /// <summary>
    /// Whether the member could at once be one of the quorum that commits a write: it replies, can write its disk, has lost no entries, and
    /// lacks none that are older than an election timeout. Null: the node does not know, because it does not lead.
    /// </summary>
    public bool? IsHealthy { get; init; }

    /// <summary>
    /// The time since the member's last reply; unless the node leads, since bytes of the member last arrived. Null: none have, or it is the
    /// node itself.
    /// </summary>
    public TimeSpan? SinceLastContact { get; init; }

    /// <summary>The state of the member's disk; null: not known.</summary>
    public StorageHealth? Storage { get; init; }

    /// <summary>The number of entries of the leader's log that the member does not have on its disk; null unless the node leads.</summary>
    public long? LagEntries { get; init; }

    /// <summary>For at least how long the member has lacked the oldest of these entries; null unless the node leads.</summary>
    public TimeSpan? Lag { get; init; }

    /// <summary>How long the member takes to acknowledge entries, smoothed; null: not known.</summary>
    public TimeSpan? AcknowledgementTime { get; init; }

    /// <summary>Whether the member's state differs from that of a majority, so that it serves no requests.</summary>
    public bool IsQuarantined { get; init; }

    /// <summary>Whether the member has lost entries, receives them again, and does not vote until it has them.</summary>
    public bool IsRepairing { get; init; }
}
