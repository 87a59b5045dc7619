using Quorate.Node.Driver;
using Quorate.Raft;
using Quorate.Verification.Linearizability;
using Quorate.Verification.Simulation.Checks;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>A machine, what clients do with it, and what must be so: everything of a run that is not the cluster's.</summary>
internal sealed class Application<TMachine, TResult>(
    ulong seed, Func<TMachine> stateMachineFactory, Func<VirtualClient<TMachine, TResult>, Task> workload, SimulationChecks<TMachine, TResult> checks, Func<ulong, RunOptions, string> reproCommand) : IApplication
    where TMachine : IStateMachine<TResult>
{
    private readonly List<ClientOperation<TMachine, TResult>> _history = [];

    public SimulationChecks<TMachine, TResult> Checks { get; } = checks;

    public Func<TMachine> CreateStateMachine { get; } = stateMachineFactory;

    /// <summary>What clients asked so far, in the order in which they began.</summary>
    public IReadOnlyList<ClientOperation<TMachine, TResult>> History => _history;

    public StateChecker<TResult> StateChecker { get; } = new(checks.ResultsEqual);

    /// <summary>The furthest index that anybody has been shown.</summary>
    public LogIndex NewestSeenIndex { get; private set; }

    public string ReproCommand(ulong seed, RunOptions options) => reproCommand(seed, options);

    public IStateMachineHost CreateHost(NodeId member, ulong firstSequence, PendingReads reads, IWorker worker, LogIndex applied, Action wake) =>
        new StateMachineHost<TMachine, TResult>(this, CreateStateMachine(), member, firstSequence, reads, worker, applied, wake);

    public IClient CreateClient(Cluster cluster, int number, SimulatedMachine? fixedTarget = null) =>
        new VirtualClient<TMachine, TResult>(
            this, fixedTarget is null ? workload : Probe, cluster, number, seed, fixedTarget);

    public ClientOperation<TMachine, TResult> BeginOperation(int client, NodeId target, object description, long now, ReadOnlyMemory<byte> command, Func<TMachine, object?>? query)
    {
        var operation = new ClientOperation<TMachine, TResult>((ulong)_history.Count + 1, client, target, description, now, NewestSeenIndex) { Command = command, Query = query };
        _history.Add(operation);
        return operation;
    }

    /// <summary>
    /// An operation ended where it says. Whoever shows less than had been shown when it began is out of time: said now and not at the end of the run, so that what led to it is
    /// still in sight.
    /// </summary>
    public void OnCompleted(ClientOperation<TMachine, TResult> operation, Counters counters)
    {
        if (operation.Index < operation.SeenIndex)
            CheckHistory(counters);
        NewestSeenIndex = LogIndex.Max(NewestSeenIndex, operation.Index);
    }

    public void CheckHistory(Counters counters)
    {
        var verdict = Checks.CheckHistory(this, counters);
        if (verdict.Result == CheckResult.NotLinearizable)
            throw new ViolationException("Linearizable", verdict.Explanation);
    }

    /// <summary>Whoever shows that a member has recovered also reads, whatever the workload does.</summary>
    private async Task Probe(VirtualClient<TMachine, TResult> client)
    {
        await client.ReadAsync(static _ => true, "probe").ConfigureAwait(false);
        await workload(client).ConfigureAwait(false);
    }
}
