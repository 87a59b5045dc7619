using Quorate.Raft;

namespace Quorate.Node;

/// <summary>How a proposal ended. There is no fourth way, and each proposal ends in exactly one.</summary>
public enum ProposalOutcome : byte
{
    /// <summary>A quorum holds it on disk and this node has applied it.</summary>
    Committed = 1,

    /// <summary>It is not in the log and never will be: it may be proposed again.</summary>
    Rejected = 2,

    /// <summary>Nobody knows, yet: it may have been committed, or still be. Only the state it acts on can tell.</summary>
    Indeterminate = 3,
}

/// <summary>The outcome of one proposal.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="Index">Committed: its place in the log.</param>
/// <param name="Result">Committed: what the state machine answered.</param>
/// <param name="Reason">Rejected: why.</param>
/// <param name="Leader">Rejected: who leads, as far as this node knows.</param>
public readonly record struct ProposalResult<TResult>(ProposalOutcome Outcome, LogIndex Index, TResult? Result, RejectReason Reason, NodeId Leader)
{
    /// <summary>Whether it is in the log for good.</summary>
    public bool IsCommitted => Outcome == ProposalOutcome.Committed;

    internal static ProposalResult<TResult> Indeterminate => new(ProposalOutcome.Indeterminate, default, default, default, default);

    internal static ProposalResult<TResult> Committed(LogIndex index, TResult result) => new(ProposalOutcome.Committed, index, result, default, default);

    internal static ProposalResult<TResult> Rejected(RejectReason reason, NodeId leader) => new(ProposalOutcome.Rejected, default, default, reason, leader);
}

/// <summary>Whether this node may read.</summary>
/// <param name="IsGranted">The state machine has applied everything that was acknowledged, anywhere, before the question was asked.</param>
/// <param name="Index">Granted: what has been applied at least.</param>
/// <param name="Reason">Not granted: why; null when the caller stopped waiting.</param>
public readonly record struct ReadResult(bool IsGranted, LogIndex Index, RejectReason? Reason)
{
    internal static ReadResult TimedOut => default;

    internal static ReadResult Granted(LogIndex index) => new(true, index, null);

    internal static ReadResult Rejected(RejectReason reason) => new(false, default, reason);
}

/// <summary>The state machine threw: its node has stopped, because the next command would act on a state no other member has.</summary>
public sealed class StateMachineException : Exception
{
    /// <summary>Makes the exception.</summary>
    public StateMachineException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes the exception.</summary>
    public StateMachineException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    public StateMachineException()
    {
    }
}
