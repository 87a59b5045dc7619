using Quorate.Node.Driver;
using Quorate.Raft;
using Quorate.Verification.Linearizability;
using Quorate.Verification.Simulation.Checks;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>The part of a run that is not the cluster: the state machine, the clients' workload, the checks, and the history.</summary>
internal sealed class SimulatedApplication<TStateMachine, TResult>(
    ulong seed,
    Func<TStateMachine> stateMachineFactory,
    Func<VirtualClient<TStateMachine, TResult>, Task> workload,
    SimulationChecks<TStateMachine, TResult> checks,
    Func<ulong, RunOptions, string> reproCommand) : ISimulatedApplication
    where TStateMachine : IStateMachine<TResult>
{
    private readonly List<ClientOperation<TStateMachine, TResult>> _history = [];

    public SimulationChecks<TStateMachine, TResult> Checks { get; } = checks;

    public Func<TStateMachine> CreateStateMachine { get; } = stateMachineFactory;

    /// <summary>Called with the state machine of a process that starts, and the clock of its machine, before the log is replayed.</summary>
    public Action<TStateMachine, TimeProvider> OnOpening { get; set; } = static (_, _) => { };

    /// <summary>Called with the state machine of a process that starts, and its core, when the log has been replayed.</summary>
    public Action<TStateMachine, RaftCore> OnOpened { get; set; } = static (_, _) => { };

    /// <summary>Called once when the cluster starts, to start what runs beside the clients.</summary>
    public Action<SimulatedApplication<TStateMachine, TResult>, SimulatedCluster> OnClusterStarting { get; set; } = static (_, _) => { };

    /// <summary>Called when the first member applies a command.</summary>
    public Action<EntryId, TResult> OnFirstApplied { get; set; } = static (_, _) => { };

    /// <summary>The operations of all clients so far, in the order of their invocations.</summary>
    public IReadOnlyList<ClientOperation<TStateMachine, TResult>> History => _history;

    public StateChecker<TResult> StateChecker { get; } = new(checks.ResultsEqual);

    public SnapshotChecker<TStateMachine, TResult> SnapshotChecker => field ??= new(Checks, StateChecker);

    /// <summary>The highest log index whose effect any client has observed.</summary>
    public LogIndex NewestSeenIndex { get; private set; }

    public string ReproCommand(ulong seed, RunOptions options) => reproCommand(seed, options);

    public IStateMachineHost OpenGroup(RaftGroupOptions options) =>
        new StateMachineHost<TStateMachine, TResult>(this, CreateStateMachine(), options);

    public void OnStarting(SimulatedCluster cluster) => OnClusterStarting(this, cluster);

    public ISimulatedClient CreateClient(SimulatedCluster cluster, int number, SimulatedMachine? fixedTarget = null) =>
        new VirtualClient<TStateMachine, TResult>(
            this, fixedTarget is null ? workload : Probe, cluster, number, seed, fixedTarget);

    public ClientOperation<TStateMachine, TResult> BeginOperation(
        int client, NodeId target, object description, long now, ReadOnlyMemory<byte> command, Func<TStateMachine, object?>? query)
    {
        var number = (ulong)_history.Count + 1;
        var operation = new ClientOperation<TStateMachine, TResult>(number, client, target, description, now, NewestSeenIndex)
        {
            Command = command,
            Query = query,
        };
        _history.Add(operation);
        return operation;
    }

    /// <summary>Checks that a command that is applied is in the log in the term that its proposer expected.</summary>
    public void CheckExpectedTerm(ulong operation, EntryId entry)
    {
        var expected = _history[(int)operation - 1].ExpectedTerm;
        if (expected != Term.Zero && expected != entry.Term)
        {
            throw new ViolationException(
                "ExpectedTermHolds", $"{_history[(int)operation - 1]} was proposed for term {expected} and is applied at {entry}");
        }
    }

    /// <summary>
    /// Records the log index of an operation that completed. If a client had observed a higher index before the operation began,
    /// linearizability is violated: the history is then checked at once and not at the end of the run, so that the event log still shows
    /// the cause.
    /// </summary>
    public void OnCompleted(ClientOperation<TStateMachine, TResult> operation, RunCounters counters)
    {
        if (operation.Index < operation.SeenIndex)
            CheckHistory(counters);
        NewestSeenIndex = LogIndex.Max(NewestSeenIndex, operation.Index);
    }

    public void CheckHistory(RunCounters counters)
    {
        var verdict = Checks.CheckHistory(this, counters);
        if (verdict.Result == LinearizabilityCheckResult.NotLinearizable)
            throw new ViolationException("Linearizable", verdict.Explanation);
    }

    /// <summary>
    /// The workload of a client that checks whether a member has recovered: a read, then the workload of the run, which may never read.
    /// </summary>
    private async Task Probe(VirtualClient<TStateMachine, TResult> client)
    {
        await client.ReadAsync(static _ => true, "probe").ConfigureAwait(false);
        await workload(client).ConfigureAwait(false);
    }
}
