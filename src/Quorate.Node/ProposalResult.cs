using Quorate.Raft;

namespace Quorate.Node;

/// <summary>The outcome and the result of one proposal.</summary>
public readonly record struct ProposalResult<TResult>
{
    /// <summary>The outcome.</summary>
    public ProposalOutcome Outcome { get; init; }

    /// <summary>If committed: the position of the command in the log, with the term of the leader that appended it.</summary>
    public EntryId Entry { get; init; }

    /// <summary>If committed: the index of the command in the log.</summary>
    public LogIndex Index => Entry.Index;

    /// <summary>If committed: the result of the state machine.</summary>
    public TResult? Result { get; init; }

    /// <summary>If rejected: the reason; else null.</summary>
    public RejectReason? Reason { get; init; }

    /// <summary>If rejected: the leader that this node knows, or <see cref="NodeId.None"/>.</summary>
    public NodeId Leader { get; init; }

    /// <summary>Whether the command is committed.</summary>
    public bool IsCommitted => Outcome == ProposalOutcome.Committed;

    /// <summary>
    /// Whether the command was rejected for a reason that may pass: the same proposal may succeed later, and cannot then be applied twice.
    /// </summary>
    public bool IsRetryable => Reason is RejectReason.NoLeader or RejectReason.NotLeader or RejectReason.Busy or RejectReason.Superseded
        or RejectReason.NoSpace or RejectReason.ChangeInProgress or RejectReason.LearnerNotReady or RejectReason.QuorumWouldBeLost;

    internal static ProposalResult<TResult> Indeterminate => new() { Outcome = ProposalOutcome.Indeterminate };

    internal static ProposalResult<TResult> Committed(EntryId entry, TResult result) =>
        new() { Outcome = ProposalOutcome.Committed, Entry = entry, Result = result };

    internal static ProposalResult<TResult> Rejected(RejectReason reason, NodeId leader) =>
        new() { Outcome = ProposalOutcome.Rejected, Reason = reason, Leader = leader };
}
