using Quorate.Raft;

namespace Quorate.Node;

/// <summary>The last change of the leader that a node observed.</summary>
public sealed record LeaderChange
{
    /// <summary>The term of the node after the change.</summary>
    public required Term Term { get; init; }

    /// <summary>The leader before the change, or <see cref="NodeId.None"/>.</summary>
    public required NodeId Previous { get; init; }

    /// <summary>The leader after the change, or <see cref="NodeId.None"/>.</summary>
    public required NodeId Leader { get; init; }

    /// <summary>Why the node stopped following, or being, the previous leader.</summary>
    public required LeaderChangeReason Reason { get; init; }

    /// <summary>When the node observed the change, by its own clock.</summary>
    public required DateTimeOffset Time { get; init; }
}

/// <summary>Why a leader was lost, as the node that reports it observed it.</summary>
public enum LeaderChangeReason : byte
{
    /// <summary>There was no leader before: the node has just started.</summary>
    Started = 0,

    /// <summary>The leader closed its connection to this node: its process has probably ended.</summary>
    ConnectionClosed = 1,

    /// <summary>No message of the leader arrived for the election timeout.</summary>
    ElectionTimeout = 2,

    /// <summary>This node led and received no replies from a quorum for the election timeout.</summary>
    QuorumLost = 3,

    /// <summary>This node led and could not write its disk, which stalled or was full.</summary>
    DiskStalled = 4,

    /// <summary>A message of a higher term arrived: other members had elected another leader, or were electing one.</summary>
    HigherTerm = 5,

    /// <summary>This node led and transferred leadership to a member with a much faster disk.</summary>
    DiskSlow = 6,

    /// <summary>This node led and transferred leadership on request.</summary>
    Transferred = 7,

    /// <summary>This node led, and transferred leadership because it is quarantined.</summary>
    Quarantined = 8,
}
