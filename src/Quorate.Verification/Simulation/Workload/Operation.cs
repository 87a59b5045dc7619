using Quorate.Raft;
using Quorate.Verification.Simulation.Checks;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>What a client asks for.</summary>
internal enum OperationKind
{
    Append,
    Put,
    Swap,
    Delete,
    Read,
}

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
internal sealed class Operation(ulong number, int client, NodeId at, OperationKind kind, long began, Sight seen)
{
    public ulong Number { get; } = number;

    public int Client { get; } = client;

    public NodeId At { get; } = at;

    public OperationKind Kind { get; } = kind;

    public long Began { get; } = began;

    /// <summary>What had been seen by anybody when it began.</summary>
    public Sight Seen { get; } = seen;

    public long Ended { get; private set; }

    public OperationOutcome Outcome { get; private set; }

    public LogIndex Index { get; private set; }

    public void End(long now, OperationOutcome outcome, LogIndex index = default)
    {
        Invariant.That(Outcome == OperationOutcome.Open, "an operation ends once");
        Ended = now;
        Outcome = outcome;
        Index = index;
    }

    public override string ToString() => $"{Kind} {Number} of client {Client} at {At}";
}
