using Quorate.Raft;

namespace Quorate.Node;

/// <summary>The result of a linearizable read request: whether the caller may now read the local state machine.</summary>
/// <param name="IsGranted">Whether the local state machine has applied every command that any node acknowledged before the request.</param>
/// <param name="Index">If granted: an index up to which the state machine has applied the log.</param>
/// <param name="Reason">If not granted: the reason, or null when the caller stopped waiting.</param>
public readonly record struct ReadResult(bool IsGranted, LogIndex Index, RejectReason? Reason)
{
    internal static ReadResult TimedOut => default;

    internal static ReadResult Granted(LogIndex index) => new(true, index, null);

    internal static ReadResult Rejected(RejectReason reason) => new(false, default, reason);
}
