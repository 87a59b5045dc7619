using Quorate.Raft;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>The outcomes of a client operation.</summary>
internal enum OperationOutcome
{
    Open,
    Committed,
    Granted,
    Rejected,
    Indeterminate,
}

/// <summary>An operation of the history: the request, its target and time, and its outcome.</summary>
internal sealed class ClientOperation<TStateMachine, TResult>(
    ulong number, int client, NodeId target, object description, long invokedAt, LogIndex seenIndex)
{
    public ulong Number { get; } = number;

    public int Client { get; } = client;

    public NodeId Target { get; } = target;

    /// <summary>The description of the request in texts.</summary>
    public object Description { get; } = description;

    public long InvokedAt { get; } = invokedAt;

    /// <summary>The highest log index whose effect any client had observed when the operation began.</summary>
    public LogIndex SeenIndex { get; } = seenIndex;

    /// <summary>Write: the proposed command.</summary>
    public ReadOnlyMemory<byte> Command { get; init; }

    /// <summary>Write: the only term in which it may be in the log; zero: any term.</summary>
    public Term ExpectedTerm { get; set; }

    /// <summary>Read: the query of the state machine.</summary>
    public Func<TStateMachine, object?>? Query { get; init; }

    public long CompletedAt { get; private set; }

    public OperationOutcome Outcome { get; private set; }

    /// <summary>Write: the index at which it was committed. Read: the last index applied to the state machine that was read.</summary>
    public LogIndex Index { get; private set; }

    /// <summary>Committed write: the result of the state machine.</summary>
    public TResult? Result { get; set; }

    /// <summary>Granted read: the value that the query returned.</summary>
    public object? ReadValue { get; set; }

    public void Complete(long now, OperationOutcome outcome, LogIndex index = default)
    {
        Invariant.That(Outcome == OperationOutcome.Open, "an operation completes once");
        CompletedAt = now;
        Outcome = outcome;
        Index = index;
    }

    public override string ToString() => Description.ToString() ?? "";
}
