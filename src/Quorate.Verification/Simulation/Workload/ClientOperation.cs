using Quorate.Raft;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>How it ended.</summary>
internal enum OperationOutcome
{
    Open,
    Committed,
    Granted,
    Rejected,
    Indeterminate,
}

/// <summary>One line of the history: what was asked where and when, and what came of it.</summary>
internal sealed class ClientOperation<TMachine, TResult>(ulong number, int client, NodeId target, object description, long invokedAt, LogIndex seenIndex)
{
    public ulong Number { get; } = number;

    public int Client { get; } = client;

    public NodeId Target { get; } = target;

    /// <summary>What it is called.</summary>
    public object Description { get; } = description;

    public long InvokedAt { get; } = invokedAt;

    /// <summary>The furthest index that anybody had been shown when it began.</summary>
    public LogIndex SeenIndex { get; } = seenIndex;

    /// <summary>Of a write: what was proposed.</summary>
    public ReadOnlyMemory<byte> Command { get; init; }

    /// <summary>Of a read: what was asked of the machine.</summary>
    public Func<TMachine, object?>? Query { get; init; }

    public long CompletedAt { get; private set; }

    public OperationOutcome Outcome { get; private set; }

    /// <summary>Where it was committed, or how far the machine was that was read.</summary>
    public LogIndex Index { get; private set; }

    /// <summary>Of a committed write: what the machine answered.</summary>
    public TResult? Result { get; set; }

    /// <summary>Of a granted read: what the machine answered.</summary>
    public object? ReadValue { get; set; }

    public void Complete(long now, OperationOutcome outcome, LogIndex index = default)
    {
        Invariant.That(Outcome == OperationOutcome.Open, "an operation ends once");
        CompletedAt = now;
        Outcome = outcome;
        Index = index;
    }

    public override string ToString() => Description.ToString() ?? "";
}
