using Quorate.Node.Driver;
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

    /// <summary>
    /// Whether the read is granted, and no other leader can have been elected since. Without <see cref="ReadOptions.AllowLease"/> only
    /// whether it is granted: then a later leader makes no difference.
    /// </summary>
    /// <remarks>
    /// A caller that relied on a lease reads the state machine, then this property, and reads again with a new barrier if it is false. See
    /// <see cref="ReadOptions.AllowLease"/>. Threading: any thread. It evaluates a clock at each call.
    /// </remarks>
    public bool IsStillValid => IsGranted && (Lease is null || Lease.IsHeld(LeaseTerm));

    /// <summary>The lease that the read relies on; null: none.</summary>
    internal LeaderLease? Lease { get; init; }

    /// <summary>The term of that lease.</summary>
    internal Term LeaseTerm { get; init; }

    internal static ReadResult Granted(LogIndex index) => new() { IsGranted = true, Index = index };

    internal static ReadResult Rejected(RejectReason reason) => new() { Reason = reason };
}
