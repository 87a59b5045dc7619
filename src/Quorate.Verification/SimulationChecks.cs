using Quorate.Raft;
using Quorate.Verification.Linearizability;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification;

/// <summary>Checks of an embedder's state machine, in addition to the checks of every simulated cluster.</summary>
/// <remarks>
/// Without any of these a run already checks that all members give the same result for the same command; that every result, of commands and
/// of reads, equals that of a single instance which applies the log in order; and that no read is stale. <see cref="State"/> and
/// <see cref="FinalState"/> must return values that do not change when the state machine applies further commands. A member that restores a
/// snapshot must have the same values of both as the member that captured it had; without them, a wrong state shows in later results only.
/// </remarks>
public sealed record SimulationChecks<TStateMachine, TResult>
    where TStateMachine : IStateMachine<TResult>
{
    /// <summary>
    /// Returns what must be equal at all members after the same command: a hash of the state, or any value with an equality. It is called
    /// after every command, so it should be cheap.
    /// </summary>
    public Func<TStateMachine, object?>? State { get; init; }

    /// <summary>
    /// As <see cref="State"/>, but called only at the end of a run, when all members have applied the same index, and when a snapshot is
    /// captured or has been restored: may be expensive.
    /// </summary>
    public Func<TStateMachine, object?>? FinalState { get; init; }

    /// <summary>Checks a state machine after every command, at every member; throws when an invariant does not hold.</summary>
    public Action<TStateMachine>? Invariant { get; init; }

    /// <summary>
    /// Whether two results of a command are equal. Default: <see cref="object.Equals(object?)"/>; sequences are equal when their elements
    /// are.
    /// </summary>
    public Func<TResult, TResult, bool> ResultsEqual { get; init; } = static (a, b) => StructuralEquality.AreEqual(a, b);

    /// <summary>
    /// Returns what a member that has restored a snapshot must have in common with the one that captured it. Default:
    /// <see cref="FinalState"/>.
    /// </summary>
    internal Func<TStateMachine, object?> SnapshotState
    {
        get => field ?? (stateMachine => FinalState?.Invoke(stateMachine));
        init;
    }

    /// <summary>Checks the history. Default: replays the log on a single instance of the state machine and compares every result.</summary>
    internal Func<SimulatedApplication<TStateMachine, TResult>, RunCounters, LinearizabilityReport> CheckHistory { get; init; } =
        static (application, _) => ReplayHistoryChecker<TStateMachine, TResult>.Check(application);
}
