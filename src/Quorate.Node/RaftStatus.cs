using Quorate.Raft;

namespace Quorate.Node;

/// <summary>What a node knows of itself and its cluster, at one moment.</summary>
/// <param name="NodeId">The node.</param>
/// <param name="Role">What it is in its term.</param>
/// <param name="Term">The newest term it knows of. With <see cref="Leader"/>, a fencing token: it only ever grows.</param>
/// <param name="Leader">Who leads, as far as it knows; nobody when none is known.</param>
/// <param name="LastIndex">The end of its log.</param>
/// <param name="CommitIndex">What is committed, as far as it knows.</param>
/// <param name="AppliedIndex">What its state machine has applied.</param>
public readonly record struct RaftStatus(
    NodeId NodeId, Role Role, Term Term, NodeId Leader, LogIndex LastIndex, LogIndex CommitIndex, LogIndex AppliedIndex)
{
    /// <summary>Whether it leads, as far as it knows: another may have been elected that it has not heard of yet.</summary>
    public bool IsLeader => Role == Role.Leader;

    /// <summary>Whether a leader is known.</summary>
    public bool HasLeader => Leader != NodeId.None;
}
