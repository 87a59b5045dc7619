using Quorate.Raft;

namespace Quorate.Node;

/// <summary>The result of a read request: whether the caller may now read the local state machine.</summary>
public readonly record struct ReadResult
{
    /// <summary>
    /// Whether the local state machine has applied what the request required: without <see cref="ReadOptions"/>, every command that any
    /// node acknowledged before it.
    /// </summary>
    public bool IsGranted { get; init; }

    /// <summary>If granted: an index up to which the state machine has applied the log.</summary>
    public LogIndex Index { get; init; }

    /// <summary>If not granted: the reason; else null.</summary>
    public RejectReason? Reason { get; init; }

    /// <summary>Whether the read was rejected for a reason that may pass.</summary>
    public bool IsRetryable => Reason is not (null or RejectReason.Quarantined);

    internal static ReadResult Granted(LogIndex index) => new() { IsGranted = true, Index = index };

    internal static ReadResult Rejected(RejectReason reason) => new() { Reason = reason };
}
