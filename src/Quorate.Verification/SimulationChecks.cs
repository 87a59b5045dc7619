using Quorate.Raft;
using Quorate.Verification.Linearizability;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification;

/// <summary>What must be so of somebody's own machine, beyond what must be so of every cluster.</summary>
/// <remarks>
/// Without any of these a run still checks that every member gives the same answer to the same command; that every answer, to commands and to reads, is the one that the
/// machine gives when it is alone and is fed the log in order; and that no read is out of date. States are values of their own, not parts of the machine that go on changing.
/// </remarks>
public sealed record SimulationChecks<TStateMachine, TResult>
    where TStateMachine : IStateMachine<TResult>
{
    /// <summary>What must be equal at all members after the same command: a hash over the state, or anything that has an equality. Taken after every command, so it should be cheap.</summary>
    public Func<TStateMachine, object?>? State { get; init; }

    /// <summary>The same for once, at the end of a run, when all members have come to the same index: may be dear.</summary>
    public Func<TStateMachine, object?>? FinalState { get; init; }

    /// <summary>Looks at a machine after every command, at every member, and throws when something is not as it must be.</summary>
    public Action<TStateMachine>? Invariant { get; init; }

    /// <summary>When two answers to a command are the same. Default: when <see cref="object.Equals(object?)"/> says so, and of sequences when each element is.</summary>
    public Func<TResult, TResult, bool> ResultsEqual { get; init; } = static (a, b) => Equality.AreEqual(a, b);

    /// <summary>Checks the history; against the machine itself, unless there is something better.</summary>
    internal Func<Application<TStateMachine, TResult>, Counters, Verdict> CheckHistory { get; init; } = static (application, _) => ReplayedHistory<TStateMachine, TResult>.Check(application);
}
