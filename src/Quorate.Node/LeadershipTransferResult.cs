using Quorate.Raft;

namespace Quorate.Node;

/// <summary>The result of a leadership transfer.</summary>
public readonly record struct LeadershipTransferResult
{
    /// <summary>Whether the target leads: this node follows it, or is the target itself.</summary>
    public bool IsCompleted => Failure is null;

    /// <summary>If not completed: the reason; else null.</summary>
    public TransferFailure? Failure { get; init; }

    /// <summary>The leader that this node knows now, or <see cref="NodeId.None"/>; if completed, the target.</summary>
    public NodeId Leader { get; init; }
}
