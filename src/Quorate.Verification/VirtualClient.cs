using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Raft;
using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification;

/// <summary>A client of a simulated cluster: it asks one thing after another, each at some member, and gives each up after a while.</summary>
/// <typeparam name="TStateMachine">The state machine that is replicated.</typeparam>
/// <typeparam name="TResult">What it answers to a command.</typeparam>
/// <remarks>
/// A workload awaits what this client offers and nothing else: no delay, no timer, no task of another's making, because what is not the simulator's happens at no moment of its time.
/// Before each question some time passes, and each goes to another member, now and then to one that only believes it leads.
/// </remarks>
public sealed class VirtualClient<TStateMachine, TResult> : IClient
    where TStateMachine : IStateMachine<TResult>
{
    private readonly Application<TStateMachine, TResult> _application;
    private readonly Func<VirtualClient<TStateMachine, TResult>, Task> _workload;
    private readonly Cluster _cluster;
    private readonly ulong _seed;
    private readonly SimulatedMachine? _fixedTarget;
    private readonly SeededRandom _random;
    private Prng _prng;
    private Task _workloadTask = Task.CompletedTask;
    private PendingRequest? _request;
    private ClientOperation<TStateMachine, TResult>? _operation;
    private SimulatedMachine? _target;
    private SimulatedProcess? _process;
    private int _committed;
    private int _granted;

    internal VirtualClient(
        Application<TStateMachine, TResult> application, Func<VirtualClient<TStateMachine, TResult>, Task> workload, Cluster cluster, int number, ulong seed, SimulatedMachine? fixedTarget)
    {
        (_application, _workload, _cluster, Number, _seed, _fixedTarget) = (application, workload, cluster, number, seed, fixedTarget);
        _prng = PrngFor("client", "arrival");
        _random = new SeededRandom(_prng);
        _cluster.Time.ScheduleAfter(_prng.Between(0, cluster.Swarm.ThinkTimeMax), StartIteration);
    }

    /// <summary>Which client it is, from 0.</summary>
    public int Number { get; }

    /// <summary>How many times it has begun the workload, this time included.</summary>
    public int Iteration { get; private set; }

    /// <summary>All the chance a workload may use: it comes from the run's seed, from a stream of this client's own.</summary>
    public Random Random => _random;

    bool IClient.IsStopped { get; set; }

    bool IClient.IsIdle => _operation is null;

    int IClient.CommittedCount => _committed;

    int IClient.GrantedCount => _granted;

    /// <summary>Proposes a command at some member.</summary>
    /// <param name="command">The command, as the machine will see it. Up to 4,000 bytes are taken in every run; a larger one is refused in some.</param>
    /// <param name="description">What it is called when a failure is told; the bytes, if nothing is said.</param>
    /// <returns>Committed with the machine's answer, rejected, or indeterminate: gone with its member, or given up.</returns>
    public Task<ProposalResult<TResult>> ProposeAsync(ReadOnlyMemory<byte> command, object? description = null)
    {
        var request = new ProposalRequest(this, command, description ?? $"command {Convert.ToHexString(command.Span)}");
        Submit(request);
        return request.Completion;
    }

    /// <summary>Waits at some member until it may read, and asks its machine: a linearizable read.</summary>
    /// <param name="query">What is asked. It must give a value of its own, not a part of the machine that goes on changing.</param>
    /// <param name="description">What it is called when a failure is told.</param>
    public Task<QueryResult<T>> ReadAsync<T>(Func<TStateMachine, T> query, object? description = null)
    {
        ArgumentNullException.ThrowIfNull(query);
        var request = new ReadRequest<T>(this, query, description ?? "read");
        Submit(request);
        return request.Completion;
    }

    /// <summary>Begins the workload, and again as soon as it is done, unless this pass is one that the run is to do without.</summary>
    private void StartIteration()
    {
        if (((IClient)this).IsStopped)
            return;
        if (_fixedTarget is not null)
            StartIteration(Iteration);
        else if (_cluster.ReplayPlan.NextIteration(Number, Iteration, _cluster.Time.Now) is { } iteration)
            _cluster.Time.ScheduleAt(iteration.At, () => StartScheduledIteration(iteration.Number));
    }

    private void StartScheduledIteration(int number)
    {
        if (((IClient)this).IsStopped)
            return;
        _cluster.ReplayPlan.OnIterationBegun(new ClientIteration(Number, number, _cluster.Time.Now));
        StartIteration(number);
    }

    private void StartIteration(int number)
    {
        // Each pass has streams of its own: one that is left out leaves the others as they were.
        _prng = PrngFor("client", number);
        _random.UseStream(PrngFor("workload", number));
        Iteration = number + 1;
        _workloadTask = _workload(this);
        OnWorkloadYielded();
    }

    private Prng PrngFor<T>(string stream, T which) => Prng.Derive(_seed, $"{stream} {Number} {which}");

    /// <summary>The workload has done what it can until it is answered.</summary>
    private void OnWorkloadYielded()
    {
        if (_workloadTask.IsCompleted)
        {
            _workloadTask.GetAwaiter().GetResult();
            _cluster.Time.ScheduleAfter(1, StartIteration);
        }
        else if (_request is null)
        {
            throw new InvalidOperationException("the workload awaits something that is not its client's: nothing else happens in the simulator's time");
        }
    }

    private void Submit(PendingRequest request)
    {
        if (_request is not null)
            throw new InvalidOperationException("a client asks one thing after another: await the answer first, or have it done by another client");
        _request = request;
        SendAfterThinkTime();
    }

    private void SendAfterThinkTime() => _cluster.Time.ScheduleAfter(_prng.Between(1, _cluster.Swarm.ThinkTimeMax), Send);

    private void Send()
    {
        if (((IClient)this).IsStopped)
            return;
        _target = _fixedTarget ?? _cluster.PickTarget(_prng);
        var timeout = _prng.Pick(200, 1_000, 3_000) * VirtualTime.Millisecond;
        _process = _target.Process;
        if (_process is null)
        {
            SendAfterThinkTime();
            return;
        }

        var operation = _operation = _request!.Begin(_target.Id);
        _target.AddWaitingClient(this);
        if (!_request.TrySend(_process))
        {
            _cluster.Counters.Increment("inbox full");
            _request.CompleteBusy();
            return;
        }

        _process.Wake();
        _cluster.Time.ScheduleAfter(timeout, () =>
        {
            // Patience ends as a caller's cancellation does: whoever takes the question out of its table owes it its outcome.
            if (!ReferenceEquals(operation, _operation))
                return;
            _request!.Abandon();
            _request.Poll();
        });
    }

    void IClient.Poll() => _request?.Poll();

    void IClient.OnProcessEnded() => _request!.CompleteIndeterminate();

    /// <summary>Notes how it ended, and lets the workload go on.</summary>
    private void Complete(OperationOutcome outcome, LogIndex index, Action setResult)
    {
        var operation = _operation!;
        operation.Complete(_cluster.Time.Now, outcome, index);
        _cluster.EventLog.AddToHash(((ulong)outcome << 56) ^ (operation.Number << 20) ^ index.Value);
        _cluster.Counters.Increment(outcome.ToString());
        _target!.RemoveWaitingClient(this);
        (_operation, _request, _process) = (null, null, null);
        if (outcome is OperationOutcome.Committed or OperationOutcome.Granted)
            _application.OnCompleted(operation, _cluster.Counters);
        setResult();
        OnWorkloadYielded();
    }

    /// <summary>What was asked and is not answered yet.</summary>
    private abstract class PendingRequest
    {
        public abstract ClientOperation<TStateMachine, TResult> Begin(NodeId at);

        public abstract bool TrySend(SimulatedProcess process);

        public abstract void Poll();

        public abstract void Abandon();

        public abstract void CompleteBusy();

        public abstract void CompleteIndeterminate();
    }

    private sealed class ProposalRequest(VirtualClient<TStateMachine, TResult> client, ReadOnlyMemory<byte> command, object description) : PendingRequest
    {
        private readonly TaskCompletionSource<ProposalResult<TResult>> _completion = new();
        private StateMachineHost<TStateMachine, TResult>? _host;
        private Task<ProposalResult<TResult>>? _outcome;
        private ProposalId _id;

        public Task<ProposalResult<TResult>> Completion => _completion.Task;

        public override ClientOperation<TStateMachine, TResult> Begin(NodeId at) =>
            client._application.BeginOperation(client.Number, at, description, client._cluster.Time.Now, command, query: null);

        public override bool TrySend(SimulatedProcess process)
        {
            _host = (StateMachineHost<TStateMachine, TResult>)process.StateMachine;
            return _host.TryPropose(process.Clients, client._operation!.Number, command, out _id, out _outcome);
        }

        public override void Abandon() => _host!.Withdraw(client._process!.Clients, _id);

        public override void Poll()
        {
            if (_outcome is not { IsCompleted: true })
                return;
            var (cluster, operation, result) = (client._cluster, client._operation!, _outcome.Result);
            switch (result.Outcome)
            {
                case ProposalOutcome.Committed:
                    cluster.OnAcknowledged(client._application.StateChecker.OnAcknowledged(operation.Number, result.Index), operation);
                    operation.Result = result.Result;
                    client._committed++;
                    Complete(OperationOutcome.Committed, result);
                    break;
                case ProposalOutcome.Rejected:
                    cluster.Counters.Increment("rejected " + result.Reason);
                    CompleteRejected(result);
                    break;
                default:
                    CompleteIndeterminate();
                    break;
            }
        }

        public override void CompleteBusy() => CompleteRejected(ProposalResult<TResult>.Rejected(RejectReason.Busy, NodeId.None));

        public override void CompleteIndeterminate() => Complete(OperationOutcome.Indeterminate, ProposalResult<TResult>.Indeterminate);

        private void CompleteRejected(ProposalResult<TResult> result)
        {
            client._application.StateChecker.OnRejected(client._operation!.Number);
            Complete(OperationOutcome.Rejected, result);
        }

        private void Complete(OperationOutcome outcome, ProposalResult<TResult> result) => client.Complete(outcome, result.Index, () => _completion.SetResult(result));
    }

    private sealed class ReadRequest<T>(VirtualClient<TStateMachine, TResult> client, Func<TStateMachine, T> query, object description) : PendingRequest
    {
        private readonly TaskCompletionSource<QueryResult<T>> _completion = new();
        private PendingRead? _pendingRead;

        public Task<QueryResult<T>> Completion => _completion.Task;

        public override ClientOperation<TStateMachine, TResult> Begin(NodeId at) =>
            client._application.BeginOperation(client.Number, at, description, client._cluster.Time.Now, default, machine => query(machine));

        public override bool TrySend(SimulatedProcess process) => process.Reads.TryAdd(out _pendingRead);

        public override void Abandon() => _pendingRead!.Complete(ReadResult.TimedOut);

        public override void Poll()
        {
            if (_pendingRead is not { Task.IsCompleted: true })
                return;
            var result = _pendingRead.Task.Result;
            if (!result.IsGranted)
            {
                Complete(result.Reason is null ? OperationOutcome.Indeterminate : OperationOutcome.Rejected, default, default);
                return;
            }

            var (operation, host) = (client._operation!, (StateMachineHost<TStateMachine, TResult>)client._process!.StateMachine);
            if (host.VisibleIndex < result.Index)
                throw new ViolationException("GrantedIsApplied", $"{operation} was granted at {result.Index} when {host.VisibleIndex} was applied");
            var value = query(host.StateMachine);
            operation.ReadValue = value;
            client._cluster.EventLog.AddToHash(Equality.Describe(value));
            client._granted++;
            Complete(OperationOutcome.Granted, host.VisibleIndex, new QueryResult<T>(true, value));
        }

        public override void CompleteBusy() => Complete(OperationOutcome.Rejected, default, default);

        public override void CompleteIndeterminate() => Complete(OperationOutcome.Indeterminate, default, default);

        private void Complete(OperationOutcome outcome, LogIndex index, QueryResult<T> result) => client.Complete(outcome, index, () => _completion.SetResult(result));
    }
}

/// <summary>How a read ended.</summary>
/// <param name="IsGranted">The member was allowed to read; otherwise it was refused, went away, or took too long.</param>
/// <param name="Value">Granted: what the machine answered.</param>
public readonly record struct QueryResult<T>(bool IsGranted, T? Value);
