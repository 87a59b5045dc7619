using Quorate.Raft;

namespace Quorate.Node.Health;

/// <summary>Everything that one node knows of its cluster at one moment: the input of <see cref="HealthAssessment"/>.</summary>
internal sealed record HealthObservation
{
    public required NodeId Self { get; init; }

    public required Configuration Configuration { get; init; }

    /// <summary>Whether <see cref="Configuration"/> is committed.</summary>
    public bool IsConfigurationCommitted { get; init; } = true;

    public required Role Role { get; init; }

    public required Term Term { get; init; }

    public required NodeId Leader { get; init; }

    public required TimeSpan ElectionTimeout { get; init; }

    public required TimeSpan HeartbeatInterval { get; init; }

    /// <summary>The time since the loop of the node noted this down.</summary>
    public TimeSpan Age { get; init; }

    /// <summary>The time since the node has known this leader, or none.</summary>
    public TimeSpan SinceLeaderChange { get; init; }

    /// <summary>Entries that the node knows of and that are not committed, as far as it knows.</summary>
    public long UncommittedEntries { get; init; }

    /// <summary>For how long the commit index has not moved although <see cref="UncommittedEntries"/> is not 0.</summary>
    public TimeSpan CommitStalledFor { get; init; }

    /// <summary>Committed entries that the state machine of the node has not applied.</summary>
    public long UnappliedEntries { get; init; }

    /// <summary>For how long the state machine has applied nothing although <see cref="UnappliedEntries"/> is not 0.</summary>
    public TimeSpan ApplyStalledFor { get; init; }

    /// <summary>Whether the leader has announced that the members with space are no quorum.</summary>
    public bool QuorumIsShortOfSpace { get; init; }

    /// <summary>Whether the states of the members differ and no majority agrees.</summary>
    public bool StatesDiffer { get; init; }

    /// <summary>The members of the configuration, in id order.</summary>
    public required IReadOnlyList<MemberObservation> Members { get; init; }
}

/// <summary>What a node knows of one member, itself included.</summary>
internal sealed record MemberObservation
{
    public required NodeId Node { get; init; }

    /// <summary>The name of the member in messages for the operator.</summary>
    public required string Name { get; init; }

    /// <summary>At a leader, the time since the last reply; elsewhere, since the last bytes of the member arrived. Null: none.</summary>
    public TimeSpan? SinceLastContact { get; init; }

    /// <summary>Whether a connection that existed was closed and does not exist again.</summary>
    public bool IsDisconnected { get; init; }

    /// <summary>At a leader: how entries are sent to the member. Null for the leader itself.</summary>
    public ReplicationState? State { get; init; }

    /// <summary>The state of the disk; null: not known.</summary>
    public StorageHealth? Storage { get; init; }

    public bool IsRepairing { get; init; }

    /// <summary>Whether the state of the member differs from that of a majority.</summary>
    public bool Diverges { get; init; }

    /// <summary>At a leader: the entries of its log that the member does not have on its disk.</summary>
    public long? LagEntries { get; init; }

    /// <summary>At a leader: for at least how long the oldest of them has been in the leader's log.</summary>
    public TimeSpan? Lag { get; init; }

    /// <summary>How long the member takes to acknowledge entries, smoothed; of the node itself, how long its flushes take.</summary>
    public TimeSpan? AcknowledgementTime { get; init; }
}
