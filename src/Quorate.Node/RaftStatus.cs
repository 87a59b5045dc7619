using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node;

/// <summary>The state of a node and its view of the cluster at one moment.</summary>
public readonly record struct RaftStatus
{
    /// <summary>The node.</summary>
    public NodeId NodeId { get; init; }

    /// <summary>The role of the node in its term.</summary>
    public Role Role { get; init; }

    /// <summary>
    /// The newest term that the node knows. Together with <see cref="Leader"/> it is a fencing token: it never decreases.
    /// </summary>
    public Term Term { get; init; }

    /// <summary>The leader that the node knows, or <see cref="Raft.NodeId.None"/>.</summary>
    public NodeId Leader { get; init; }

    /// <summary>The last index of the node's log.</summary>
    public LogIndex LastIndex { get; init; }

    /// <summary>The highest index that the node knows to be committed.</summary>
    public LogIndex CommitIndex { get; init; }

    /// <summary>The highest index that the node's state machine has applied.</summary>
    public LogIndex AppliedIndex { get; init; }

    /// <summary>
    /// The version of the cluster, as far as this node has applied the log: it decides which features the members may use.
    /// </summary>
    public ClusterVersion ClusterVersion { get; init; }

    /// <summary>Why this node is quarantined; null: it is not. A quarantined node rejects proposals and reads.</summary>
    public Quarantine? Quarantine { get; init; }

    /// <summary>
    /// Whether the states of the members differ and no majority agrees, as far as this node knows: nothing shows who is right.
    /// </summary>
    public bool StatesDifferWithoutMajority { get; init; }

    /// <summary>The state of the node's disk.</summary>
    public StorageHealth StorageHealth { get; init; }

    /// <summary>
    /// Whether the node rejects proposals that may take more space: its disk is short of space, or so many others are that no quorum
    /// remains of those that are not.
    /// </summary>
    public bool IsOnlySpaceFreed { get; init; }

    /// <summary>The last change of the leader that the node observed, with its reason; null: none yet.</summary>
    public LeaderChange? LastLeaderChange { get; init; }

    /// <summary>
    /// Whether the node considers itself the leader. Another node may have been elected without this node knowing it yet.
    /// </summary>
    public bool IsLeader => Role == Role.Leader;

    /// <summary>Whether a leader is known.</summary>
    public bool HasLeader => Leader != NodeId.None;
}
