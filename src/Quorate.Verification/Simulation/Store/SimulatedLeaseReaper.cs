using Quorate.Kv;
using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Raft;
using Quorate.Verification.Simulation.Workload;
using Operation = Quorate.Verification.Simulation.Workload.ClientOperation<
    Quorate.Verification.Simulation.Store.StoreStateMachine, Quorate.Verification.Simulation.Store.StoreResult>;

namespace Quorate.Verification.Simulation.Store;

/// <summary>
/// The lease reaper of one member, as the server has one: in each round it proposes the expiry of overdue leases and the advance
/// of the lease clock, by the member's own clock and the real <see cref="LeaseDeadlines"/>.
/// </summary>
internal sealed class SimulatedLeaseReaper : ISimulatedClient
{
    /// <summary>The first number of these clients; those of the workload and of the liveness phase are below.</summary>
    private const int FirstNumber = 2000;
    private const int LeasesPerRoundMax = 250;
    private static readonly TimeSpan RoundTimeout = TimeSpan.FromSeconds(5);

    private readonly SimulatedApplication<StoreStateMachine, StoreResult> _application;
    private readonly SimulatedCluster _cluster;
    private readonly SimulatedMachine _machine;
    private readonly List<PendingProposal> _proposals = [];
    private SimulatedProcess? _process;
    private PendingRead? _barrier;
    private Term _barrierTerm;
    private Term _confirmedTerm;
    private TimeSpan _leadingSince;
    private bool _isWaiting;
    private long _startedAt;

    public SimulatedLeaseReaper(
        SimulatedApplication<StoreStateMachine, StoreResult> application, SimulatedCluster cluster, SimulatedMachine machine)
    {
        (_application, _cluster, _machine) = (application, cluster, machine);
        _cluster.Time.ScheduleAfter((long)machine.Id.Value * 100 * VirtualTime.Millisecond, RunRound);
    }

    /// <summary>Lets an application have a lease reaper on each member, and checks the times at which leases end.</summary>
    public static void AddTo(SimulatedApplication<StoreStateMachine, StoreResult> application)
    {
        application.OnOpening = static (stateMachine, clock) => stateMachine.UseClock(clock);
        application.OnOpened = static (stateMachine, core) => stateMachine.OnStarted(() => core.Term);
        application.OnClusterStarting = static (application, cluster) =>
        {
            application.OnFirstApplied = new LeaseTimeChecker(cluster).OnFirstApplied;
            foreach (var machine in cluster.Members)
                cluster.MemberClients.Add(new SimulatedLeaseReaper(application, cluster, machine));
        };
    }

    bool ISimulatedClient.IsStopped { get; set; }

    bool ISimulatedClient.IsIdle => _proposals.Count == 0;

    int ISimulatedClient.CommittedCount => 0;

    int ISimulatedClient.GrantedCount => 0;

    private StateMachineHost<StoreStateMachine, StoreResult> Host =>
        (StateMachineHost<StoreStateMachine, StoreResult>)_process!.StateMachine;

    private LeaseDeadlines Deadlines => Host.StateMachine.LeaseDeadlines!;

    private TimeSpan Now => Host.StateMachine.Now;

    void ISimulatedClient.Poll()
    {
        if (_barrier is { Task.IsCompleted: true })
            OnBarrierCompleted(_barrier);
        for (var i = _proposals.Count - 1; i >= 0; i--)
        {
            if (_proposals[i].Outcome.IsCompleted)
                Complete(i, _proposals[i].Outcome.Result);
        }

        StopWaitingIfIdle();
    }

    void ISimulatedClient.OnProcessEnded()
    {
        // The machine has removed its waiting clients.
        for (var i = _proposals.Count - 1; i >= 0; i--)
            Complete(i, ProposalResult<StoreResult>.Indeterminate);
        (_isWaiting, _barrier, _process) = (false, null, null);
    }

    private void RunRound()
    {
        _cluster.Time.ScheduleAfter(_machine.Clock.ToVirtualTime(LeaseDeadlines.RoundPeriod), RunRound);
        if (_machine.Process is not { } process || _cluster.Time.Now < _machine.PausedUntil)
            return;
        if (process != _process)
            (_process, _barrier, _confirmedTerm) = (process, null, Term.Zero);
        if (_proposals.Count > 0 || _barrier is not null)
        {
            WithdrawLate();
            return;
        }

        var core = process.Core;
        if (core.Leader == NodeId.None)
            return;
        if (core.Leader != _machine.Id)
            _confirmedTerm = Term.Zero;
        else if (core.Term != _confirmedTerm)
            BeginBarrier(core.Term);
        if (_barrier is null)
            ProposeDue();
    }

    private void BeginBarrier(Term term)
    {
        _barrierTerm = term;
        if (!_process!.Group.TryRead(out _barrier))
            return;
        _startedAt = _cluster.Time.Now;
        Wait();
    }

    private void OnBarrierCompleted(PendingRead barrier)
    {
        _barrier = null;
        var core = _process!.Core;
        if (barrier.Task.IsCanceled || !barrier.Task.Result.IsGranted || core.Leader != _machine.Id || core.Term != _barrierTerm)
            return;
        (_confirmedTerm, _leadingSince) = (core.Term, Now);
        ProposeDue();
    }

    private void ProposeDue()
    {
        if (((ISimulatedClient)this).IsStopped)
            return;
        TimeSpan? leadingSince = _confirmedTerm != Term.Zero ? _leadingSince : null;
        Deadlines.Refresh();
        var advance = Deadlines.Measure(Now, _process!.Core.Term, leadingSince);
        if (leadingSince is not null)
        {
            foreach (var lease in Deadlines.GetExpired(Now, LeasesPerRoundMax))
                Propose(StoreWorkload.ExpireRequest(lease), new LeaseExpireRequest(lease.Id, lease.RenewedAt), default);
        }

        if (advance is { } measured)
            Propose($"advance the lease clock by {measured.Request.Milliseconds} ms", measured.Request, measured.At);
    }

    private void Propose(object description, KvRequest request, TimeSpan measuredAt)
    {
        var command = StoreStateMachine.EncodeKv(request);
        var operation = _application.BeginOperation(
            FirstNumber + (int)_machine.Id.Value, _machine.Id, description, _cluster.Time.Now, command, query: null);
        if (!Host.TryPropose(operation.Number, new ProposalOptions { FreesSpace = true }, command, out var id, out var outcome))
        {
            _application.StateChecker.OnRejected(operation.Number);
            operation.Complete(_cluster.Time.Now, OperationOutcome.Rejected);
            return;
        }

        _startedAt = _cluster.Time.Now;
        _proposals.Add(new PendingProposal(operation, id, outcome!, measuredAt));
        Wait();
    }

    private void Complete(int index, ProposalResult<StoreResult> result)
    {
        var (operation, _, _, measuredAt) = _proposals[index];
        _proposals.RemoveAt(index);
        switch (result.Outcome)
        {
            case ProposalOutcome.Committed:
                _cluster.OnAcknowledged(_application.StateChecker.OnAcknowledged(operation.Number, result.Index), operation);
                operation.Result = result.Result;
                operation.Complete(_cluster.Time.Now, OperationOutcome.Committed, result.Index);
                _application.OnCompleted(operation, _cluster.Counters);
                if (result.Result.Kv.Response is LeaseClockAdvanceResponse advance)
                    OnAdvanceCompleted(advance, result.Index, measuredAt);
                break;
            case ProposalOutcome.Rejected:
                _application.StateChecker.OnRejected(operation.Number);
                operation.Complete(_cluster.Time.Now, OperationOutcome.Rejected);
                break;
            default:
                operation.Complete(_cluster.Time.Now, OperationOutcome.Indeterminate);
                break;
        }
    }

    private void OnAdvanceCompleted(LeaseClockAdvanceResponse advance, LogIndex index, TimeSpan measuredAt)
    {
        _cluster.Counters.Increment(advance.IsAccepted ? StoreHistoryChecker.Advanced : StoreHistoryChecker.AdvanceSuperseded);
        if (!advance.IsAccepted)
            return;
        if (_confirmedTerm == Term.Zero)
            _cluster.Counters.Increment(StoreHistoryChecker.AdvancedByFollower);
        Deadlines.OnOwnAdvanceAccepted(index, measuredAt);
    }

    /// <summary>Withdraws what has been pending for too long, as a server's round does.</summary>
    private void WithdrawLate()
    {
        if (_cluster.Time.Now - _startedAt < (long)RoundTimeout.TotalMicroseconds)
            return;
        _barrier?.Cancel();
        foreach (var proposal in _proposals)
            Host.Withdraw(proposal.Id);
        ((ISimulatedClient)this).Poll();
    }

    private void Wait()
    {
        if (_isWaiting)
            return;
        _isWaiting = true;
        _machine.AddWaitingClient(this);
    }

    private void StopWaitingIfIdle()
    {
        if (!_isWaiting || _barrier is not null || _proposals.Count > 0)
            return;
        _isWaiting = false;
        _machine.RemoveWaitingClient(this);
    }

    private sealed record PendingProposal(
        Operation Operation, ProposalId Id, Task<ProposalResult<StoreResult>> Outcome, TimeSpan MeasuredAt);
}
