namespace Quorate.Node;

/// <summary>The outcome of a proposal. Each proposal ends with exactly one of these three.</summary>
public enum ProposalOutcome : byte
{
    /// <summary>A quorum has the command on disk and this node's state machine has applied it.</summary>
    Committed = 1,

    /// <summary>The command is not in the log and never will be; the caller may propose it again.</summary>
    Rejected = 2,

    /// <summary>
    /// The outcome is unknown: the command may have been committed, or may still be. To find out, read the state that the command changes.
    /// </summary>
    Indeterminate = 3,
}
