using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Raft;
using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification;

/// <summary>
/// A client of a simulated cluster. It sends one request at a time, each to some member, and abandons a request that takes too long.
/// </summary>
/// <typeparam name="TStateMachine">The replicated state machine.</typeparam>
/// <typeparam name="TResult">The state machine's result of a command.</typeparam>
/// <remarks>
/// A workload may await only the tasks of this client: no delay, no timer and no other task, because events outside the simulator have no
/// point in virtual time. Before each request a think time passes. Each request goes to a member chosen at random, sometimes to a
/// deposed leader that has not received the newer term yet.
/// </remarks>
public sealed class VirtualClient<TStateMachine, TResult> : ISimulatedClient
    where TStateMachine : IStateMachine<TResult>
{
    private readonly SimulatedApplication<TStateMachine, TResult> _application;
    private readonly Func<VirtualClient<TStateMachine, TResult>, Task> _workload;
    private readonly SimulatedCluster _cluster;
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
        SimulatedApplication<TStateMachine, TResult> application,
        Func<VirtualClient<TStateMachine, TResult>, Task> workload,
        SimulatedCluster cluster,
        int number,
        ulong seed,
        SimulatedMachine? fixedTarget)
    {
        (_application, _workload, _cluster, Number, _seed, _fixedTarget) = (application, workload, cluster, number, seed, fixedTarget);
        _prng = PrngFor("client", "arrival");
        _random = new SeededRandom(_prng);
        _cluster.Time.ScheduleAfter(_prng.Between(0, cluster.Swarm.ThinkTimeMax), StartIteration);
    }

    /// <summary>Number of this client, from 0.</summary>
    public int Number { get; }

    /// <summary>How many iterations of the workload have started, including the current one.</summary>
    public int Iteration { get; private set; }

    /// <summary>The only source of randomness a workload may use: a stream of this client that is derived from the run's seed.</summary>
    public Random Random => _random;

    bool ISimulatedClient.IsStopped { get; set; }

    bool ISimulatedClient.IsIdle => _operation is null;

    int ISimulatedClient.CommittedCount => _committed;

    int ISimulatedClient.GrantedCount => _granted;

    /// <summary>Proposes a command at some member.</summary>
    /// <param name="command">
    /// The command, as the state machine receives it. Every run accepts up to 4,000 bytes; some runs reject larger commands.
    /// </param>
    /// <param name="description">Describes the command in failure messages; default: its bytes.</param>
    /// <returns>
    /// Committed with the state machine's result, rejected, or indeterminate: the member's process ended or the client timed out.
    /// </returns>
    public Task<ProposalResult<TResult>> ProposeAsync(ReadOnlyMemory<byte> command, object? description = null)
    {
        var request = new ProposalRequest(this, command, description ?? $"command {Convert.ToHexString(command.Span)}");
        Submit(request);
        return request.Completion;
    }

    /// <summary>Linearizable read: waits until some member grants the read, then queries the member's state machine.</summary>
    /// <param name="query">
    /// The query. It must return a value that does not change when the state machine applies further commands.
    /// </param>
    /// <param name="description">Describes the read in failure messages.</param>
    public Task<QueryResult<T>> ReadAsync<T>(Func<TStateMachine, T> query, object? description = null)
    {
        ArgumentNullException.ThrowIfNull(query);
        var request = new ReadRequest<T>(this, query, description ?? "read");
        Submit(request);
        return request.Completion;
    }

    /// <summary>Starts the next iteration of the workload, unless the replay plan leaves it out.</summary>
    private void StartIteration()
    {
        if (((ISimulatedClient)this).IsStopped)
            return;
        if (_fixedTarget is not null)
            StartIteration(Iteration);
        else if (_cluster.ReplayPlan.NextIteration(Number, Iteration, _cluster.Time.Now) is { } iteration)
            _cluster.Time.ScheduleAt(iteration.At, () => StartScheduledIteration(iteration.Number));
    }

    private void StartScheduledIteration(int number)
    {
        if (((ISimulatedClient)this).IsStopped)
            return;
        _cluster.ReplayPlan.OnIterationBegun(new ClientIteration(Number, number, _cluster.Time.Now));
        StartIteration(number);
    }

    private void StartIteration(int number)
    {
        // Each iteration has random streams of its own: leaving one out does not change the others.
        _prng = PrngFor("client", number);
        _random.UseStream(PrngFor("workload", number));
        Iteration = number + 1;
        _workloadTask = _workload(this);
        OnWorkloadYielded();
    }

    private Prng PrngFor<T>(string stream, T which) => Prng.Derive(_seed, $"{stream} {Number} {which}");

    /// <summary>Called when the workload has run until its next await, or has ended.</summary>
    private void OnWorkloadYielded()
    {
        if (_workloadTask.IsCompleted)
        {
            _workloadTask.GetAwaiter().GetResult();
            _cluster.Time.ScheduleAfter(1, StartIteration);
        }
        else if (_request is null)
        {
            throw new InvalidOperationException(
                "the workload awaits a task that is not its client's: such a task never completes in virtual time; "
                + "await only tasks of VirtualClient");
        }
    }

    private void Submit(PendingRequest request)
    {
        if (_request is not null)
            throw new InvalidOperationException(
                "a client has one request at a time: await the completion first, or send the second request from another client");
        _request = request;
        SendAfterThinkTime();
    }

    private void SendAfterThinkTime() => _cluster.Time.ScheduleAfter(_prng.Between(1, _cluster.Swarm.ThinkTimeMax), Send);

    private void Send()
    {
        if (((ISimulatedClient)this).IsStopped)
            return;
        _target = _fixedTarget ?? _cluster.PickTarget(_prng);
        var timeout = (_prng.Pick(200, 1_000, 3_000) * VirtualTime.Millisecond) + _cluster.Swarm.FarRequestTime;
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

        _cluster.Time.ScheduleAfter(timeout, () =>
        {
            // The timeout acts like a caller's cancellation: whichever code removes the request from its table must complete it.
            if (!ReferenceEquals(operation, _operation))
                return;
            _request!.Abandon();
            _request.Poll();
        });
    }

    void ISimulatedClient.Poll() => _request?.Poll();

    void ISimulatedClient.OnProcessEnded() => _request!.CompleteIndeterminate();

    /// <summary>Records the outcome and resumes the workload.</summary>
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

    /// <summary>A member that was quarantined before a request was sent to it must not answer from its state.</summary>
    private static void ThrowIfQuarantined(bool isToQuarantined, object operation)
    {
        if (isToQuarantined)
            throw new ViolationException("QuarantinedServesNothing", $"{operation} was answered by a quarantined member");
    }

    /// <summary>A request without a completion yet.</summary>
    private abstract class PendingRequest
    {
        public abstract ClientOperation<TStateMachine, TResult> Begin(NodeId at);

        public abstract bool TrySend(SimulatedProcess process);

        public abstract void Poll();

        public abstract void Abandon();

        public abstract void CompleteBusy();

        public abstract void CompleteIndeterminate();
    }

    private sealed class ProposalRequest(
        VirtualClient<TStateMachine, TResult> client, ReadOnlyMemory<byte> command, object description) : PendingRequest
    {
        private readonly TaskCompletionSource<ProposalResult<TResult>> _completion = new();
        private StateMachineHost<TStateMachine, TResult>? _host;
        private Task<ProposalResult<TResult>>? _outcome;
        private ProposalId _id;
        private bool _isToQuarantined;

        public Task<ProposalResult<TResult>> Completion => _completion.Task;

        public override ClientOperation<TStateMachine, TResult> Begin(NodeId at) =>
            client._application.BeginOperation(client.Number, at, description, client._cluster.Time.Now, command, query: null);

        public override bool TrySend(SimulatedProcess process)
        {
            _host = (StateMachineHost<TStateMachine, TResult>)process.StateMachine;
            _isToQuarantined = process.Core.IsQuarantined;
            var operation = client._operation!;
            operation.ExpectedTerm = ExpectedTermOf(operation.Number, process.Core.Term);
            var options = new ProposalOptions
            {
                ExpectedTerm = operation.ExpectedTerm == Term.Zero ? null : operation.ExpectedTerm,
                FreesSpace = operation.Number % 4 == 0,
            };
            return _host.TryPropose(operation.Number, options, command, out _id, out _outcome);
        }

        /// <summary>
        /// Of sixteen proposals, one expects the term that its member now has, and one the term before, which must be rejected. This
        /// depends on the number of the operation: it draws nothing from a random stream.
        /// </summary>
        private static Term ExpectedTermOf(ulong operation, Term current) => (operation % 16) switch
        {
            3 => current,
            11 when current.Value > 1 => new Term(current.Value - 1),
            _ => Term.Zero,
        };

        public override void Abandon() => _host!.Withdraw(_id);

        public override void Poll()
        {
            if (_outcome is not { IsCompleted: true })
                return;
            var (cluster, operation, result) = (client._cluster, client._operation!, _outcome.Result);
            switch (result.Outcome)
            {
                case ProposalOutcome.Committed:
                    ThrowIfQuarantined(_isToQuarantined, operation);
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

        private void Complete(OperationOutcome outcome, ProposalResult<TResult> result) =>
            client.Complete(outcome, result.Index, () => _completion.SetResult(result));
    }

    private sealed class ReadRequest<T>(
        VirtualClient<TStateMachine, TResult> client, Func<TStateMachine, T> query, object description) : PendingRequest
    {
        private readonly TaskCompletionSource<QueryResult<T>> _completion = new();
        private PendingRead? _pendingRead;
        private bool _isToQuarantined;

        public Task<QueryResult<T>> Completion => _completion.Task;

        public override ClientOperation<TStateMachine, TResult> Begin(NodeId at) =>
            client._application.BeginOperation(
                client.Number, at, description, client._cluster.Time.Now, default, stateMachine => query(stateMachine));

        public override bool TrySend(SimulatedProcess process)
        {
            _isToQuarantined = process.Core.IsQuarantined;
            return process.Group.TryRead(out _pendingRead, new ReadOptions { AllowLease = client._cluster.Leases is not null });
        }

        public override void Abandon() => _pendingRead!.Cancel();

        public override void Poll()
        {
            if (_pendingRead is not { Task.IsCompleted: true })
                return;
            if (_pendingRead.Task.IsCanceled)
            {
                CompleteIndeterminate();
                return;
            }

            var result = _pendingRead.Task.Result;
            if (!result.IsGranted)
            {
                Complete(OperationOutcome.Rejected, default, default);
                return;
            }

            ThrowIfQuarantined(_isToQuarantined, client._operation!);
            var (operation, host) = (client._operation!, (StateMachineHost<TStateMachine, TResult>)client._process!.StateMachine);
            if (host.VisibleIndex < result.Index)
                throw new ViolationException(
                    "GrantedIsApplied", $"{operation} was granted at {result.Index}, but only {host.VisibleIndex} was applied");
            var value = query(host.StateMachine);
            if (result.Lease is not null && !IsConfirmed(result))
            {
                Complete(OperationOutcome.Rejected, default, default);
                return;
            }

            operation.ReadValue = value;
            client._cluster.EventLog.AddToHash(StructuralEquality.Describe(value));
            client._granted++;
            Complete(OperationOutcome.Granted, host.VisibleIndex, new QueryResult<T>(true, value));
        }

        /// <summary>A lease read is checked again after the query: the process may have been paused since the barrier.</summary>
        private bool IsConfirmed(in ReadResult result)
        {
            client._cluster.Counters.Increment(result.IsStillValid ? "lease reads" : "lease reads that were not valid any more");
            if (result.IsStillValid)
                client._cluster.LeaseChecker.OnConfirmed(client._target!.Id, result.LeaseTerm);
            return result.IsStillValid;
        }

        public override void CompleteBusy() => Complete(OperationOutcome.Rejected, default, default);

        public override void CompleteIndeterminate() => Complete(OperationOutcome.Indeterminate, default, default);

        private void Complete(OperationOutcome outcome, LogIndex index, QueryResult<T> result) =>
            client.Complete(outcome, index, () => _completion.SetResult(result));
    }
}

/// <summary>Result of a read.</summary>
/// <param name="IsGranted">Whether the read was granted; if not, it was rejected, timed out, or its member's process ended.</param>
/// <param name="Value">If granted, the result of the query.</param>
public readonly record struct QueryResult<T>(bool IsGranted, T? Value);
