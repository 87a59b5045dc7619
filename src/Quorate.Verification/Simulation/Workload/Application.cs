using Quorate.Node.Driver;
using Quorate.Raft;
using Quorate.Verification.Linearizability;
using Quorate.Verification.Simulation.Checks;

namespace Quorate.Verification.Simulation.Workload;

/// <summary>A machine, what clients do with it, and what must be so: everything of a run that is not the cluster's.</summary>
internal sealed class Application<TMachine, TResult>(
    ulong seed, Func<TMachine> machine, Func<VirtualClient<TMachine, TResult>, Task> workload, SimulationChecks<TMachine, TResult> checks, Func<ulong, RunOptions, string> again) : IApplication
    where TMachine : IStateMachine<TResult>
{
    private readonly List<ClientOperation<TMachine, TResult>> _history = [];

    public SimulationChecks<TMachine, TResult> Checks { get; } = checks;

    public Func<TMachine> NewMachine { get; } = machine;

    /// <summary>What clients asked so far, in the order in which they began.</summary>
    public IReadOnlyList<ClientOperation<TMachine, TResult>> History => _history;

    public AppliedLedger<TResult> Ledger { get; } = new(checks.ResultsEqual);

    /// <summary>The furthest index that anybody has been shown.</summary>
    public LogIndex Seen { get; private set; }

    public string Again(ulong seed, RunOptions options) => again(seed, options);

    public IMachineHost NewHost(NodeId member, ulong firstSequence, PendingReads reads, IWorker worker, LogIndex applied, Action wake) =>
        new MachineHost<TMachine, TResult>(this, NewMachine(), member, firstSequence, reads, worker, applied, wake);

    public IClient NewClient(Cluster cluster, int number, Member? pinned = null) =>
        new VirtualClient<TMachine, TResult>(
            this, pinned is null ? workload : Probe, cluster, number, seed, pinned);

    public ClientOperation<TMachine, TResult> Begin(int client, NodeId at, object what, long now, ReadOnlyMemory<byte> command, Func<TMachine, object?>? query)
    {
        var operation = new ClientOperation<TMachine, TResult>((ulong)_history.Count + 1, client, at, what, now, Seen) { Command = command, Query = query };
        _history.Add(operation);
        return operation;
    }

    /// <summary>
    /// An operation ended where it says. Whoever shows less than had been shown when it began is out of time: said now and not at the end of the run, so that what led to it is
    /// still in sight.
    /// </summary>
    public void Showed(ClientOperation<TMachine, TResult> operation, Tally tally)
    {
        if (operation.Index < operation.Seen)
            CheckHistory(tally);
        Seen = LogIndex.Max(Seen, operation.Index);
    }

    public void CheckHistory(Tally tally)
    {
        var verdict = Checks.CheckHistory(this, tally);
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
