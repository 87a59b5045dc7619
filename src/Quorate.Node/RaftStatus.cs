using Quorate.Raft;

namespace Quorate.Node;

/// <summary>The state of a node and its view of the cluster at one moment.</summary>
/// <param name="NodeId">The node.</param>
/// <param name="Role">The role of the node in its term.</param>
/// <param name="Term">
/// The newest term that the node knows. Together with <see cref="Leader"/> it is a fencing token: it never decreases.
/// </param>
/// <param name="Leader">The leader that the node knows, or <see cref="Raft.NodeId.None"/>.</param>
/// <param name="LastIndex">The last index of the node's log.</param>
/// <param name="CommitIndex">The highest index that the node knows to be committed.</param>
/// <param name="AppliedIndex">The highest index that the node's state machine has applied.</param>
public readonly record struct RaftStatus(
    NodeId NodeId, Role Role, Term Term, NodeId Leader, LogIndex LastIndex, LogIndex CommitIndex, LogIndex AppliedIndex)
{
    /// <summary>
    /// Whether the node considers itself the leader. Another node may have been elected without this node knowing it yet.
    /// </summary>
    public bool IsLeader => Role == Role.Leader;

    /// <summary>Whether a leader is known.</summary>
    public bool HasLeader => Leader != NodeId.None;
}
