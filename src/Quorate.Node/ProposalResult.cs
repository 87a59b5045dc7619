using Quorate.Raft;

namespace Quorate.Node;

/// <summary>The outcome and the result of one proposal.</summary>
/// <param name="Outcome">The outcome.</param>
/// <param name="Index">If committed: the index of the command in the log.</param>
/// <param name="Result">If committed: the result of the state machine.</param>
/// <param name="Reason">If rejected: the reason.</param>
/// <param name="Leader">If rejected: the leader that this node knows, or <see cref="NodeId.None"/>.</param>
public readonly record struct ProposalResult<TResult>(
    ProposalOutcome Outcome, LogIndex Index, TResult? Result, RejectReason Reason, NodeId Leader)
{
    /// <summary>Whether the command is committed.</summary>
    public bool IsCommitted => Outcome == ProposalOutcome.Committed;

    internal static ProposalResult<TResult> Indeterminate => new(ProposalOutcome.Indeterminate, default, default, default, default);

    internal static ProposalResult<TResult> Committed(LogIndex index, TResult result) =>
        new(ProposalOutcome.Committed, index, result, default, default);

    internal static ProposalResult<TResult> Rejected(RejectReason reason, NodeId leader) =>
        new(ProposalOutcome.Rejected, default, default, reason, leader);
}
