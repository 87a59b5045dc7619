using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Raft;
using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification;

/// <summary>A client of a simulated cluster: it asks one thing after another, each at some member, and gives each up after a while.</summary>
/// <typeparam name="TMachine">The state machine that is replicated.</typeparam>
/// <typeparam name="TResult">What it answers to a command.</typeparam>
/// <remarks>
/// A workload awaits what this client offers and nothing else: no delay, no timer, no task of another's making, because what is not the simulator's happens at no moment of its time.
/// Before each question some time passes, and each goes to another member, now and then to one that only believes it leads.
/// </remarks>
public sealed class VirtualClient<TMachine, TResult> : IClient
    where TMachine : IStateMachine<TResult>
{
    private readonly Application<TMachine, TResult> _application;
    private readonly Func<VirtualClient<TMachine, TResult>, Task> _workload;
    private readonly Cluster _cluster;
    private readonly ulong _seed;
    private readonly Member? _pinned;
    private readonly SeededRandom _random;
    private Dice _dice;
    private Task _pass = Task.CompletedTask;
    private Question? _question;
    private ClientOperation<TMachine, TResult>? _operation;
    private Member? _at;
    private Process? _process;
    private int _committed;
    private int _granted;

    internal VirtualClient(
        Application<TMachine, TResult> application, Func<VirtualClient<TMachine, TResult>, Task> workload, Cluster cluster, int number, ulong seed, Member? pinned)
    {
        (_application, _workload, _cluster, Number, _seed, _pinned) = (application, workload, cluster, number, seed, pinned);
        _dice = DiceOf("client", "arrival");
        _random = new SeededRandom(_dice);
        _cluster.Time.After(_dice.Between(0, cluster.Weather.ThinkTimeMax), BeginPass);
    }

    /// <summary>Which client it is, from 0.</summary>
    public int Number { get; }

    /// <summary>How many times it has begun the workload, this time included.</summary>
    public int Pass { get; private set; }

    /// <summary>All the chance a workload may use: it comes from the run's seed, from a stream of this client's own.</summary>
    public Random Random => _random;

    bool IClient.IsStopped { get; set; }

    bool IClient.IsIdle => _operation is null;

    int IClient.Committed => _committed;

    int IClient.Granted => _granted;

    /// <summary>Proposes a command at some member.</summary>
    /// <param name="command">The command, as the machine will see it. Up to 4,000 bytes are taken in every run; a larger one is refused in some.</param>
    /// <param name="what">What it is called when a failure is told; the bytes, if nothing is said.</param>
    /// <returns>Committed with the machine's answer, rejected, or indeterminate: gone with its member, or given up.</returns>
    public Task<ProposalResult<TResult>> ProposeAsync(ReadOnlyMemory<byte> command, object? what = null)
    {
        var proposal = new Proposal(this, command, what ?? $"command {Convert.ToHexString(command.Span)}");
        Ask(proposal);
        return proposal.Answer;
    }

    /// <summary>Waits at some member until it may read, and asks its machine: a linearizable read.</summary>
    /// <param name="query">What is asked. It must give a value of its own, not a part of the machine that goes on changing.</param>
    /// <param name="what">What it is called when a failure is told.</param>
    public Task<ReadAnswer<T>> ReadAsync<T>(Func<TMachine, T> query, object? what = null)
    {
        ArgumentNullException.ThrowIfNull(query);
        var reading = new Reading<T>(this, query, what ?? "read");
        Ask(reading);
        return reading.Answer;
    }

    /// <summary>Begins the workload, and again as soon as it is done, unless this pass is one that the run is to do without.</summary>
    private void BeginPass()
    {
        if (((IClient)this).IsStopped)
            return;
        if (_pinned is not null)
            BeginPass(Pass);
        else if (_cluster.Decisions.NextTurn(Number, Pass, _cluster.Time.Now) is { } turn)
            _cluster.Time.At(turn.At, () => BeginTurn(turn.Number));
    }

    private void BeginTurn(int number)
    {
        if (((IClient)this).IsStopped)
            return;
        _cluster.Decisions.Began(new ClientTurn(Number, number, _cluster.Time.Now));
        BeginPass(number);
    }

    private void BeginPass(int number)
    {
        // Each pass has streams of its own: one that is left out leaves the others as they were.
        _dice = DiceOf("client", number);
        _random.Begin(DiceOf("workload", number));
        Pass = number + 1;
        _pass = _workload(this);
        AfterWorkload();
    }

    private Dice DiceOf<T>(string what, T which) => Dice.For(_seed, $"{what} {Number} {which}");

    /// <summary>The workload has done what it can until it is answered.</summary>
    private void AfterWorkload()
    {
        if (_pass.IsCompleted)
        {
            _pass.GetAwaiter().GetResult();
            _cluster.Time.After(1, BeginPass);
        }
        else if (_question is null)
        {
            throw new InvalidOperationException("the workload awaits something that is not its client's: nothing else happens in the simulator's time");
        }
    }

    private void Ask(Question question)
    {
        if (_question is not null)
            throw new InvalidOperationException("a client asks one thing after another: await the answer first, or have it done by another client");
        _question = question;
        Rest();
    }

    private void Rest() => _cluster.Time.After(_dice.Between(1, _cluster.Weather.ThinkTimeMax), Begin);

    private void Begin()
    {
        if (((IClient)this).IsStopped)
            return;
        _at = _pinned ?? _cluster.WhomToAsk(_dice);
        var patience = _dice.Pick(200, 1_000, 3_000) * VirtualTime.Millisecond;
        _process = _at.Process;
        if (_process is null)
        {
            Rest();
            return;
        }

        var operation = _operation = _question!.Begin(_at.Id);
        _at.Wait(this);
        if (!_question.TryAsk(_process))
        {
            _cluster.Tally.Add("inbox full");
            _question.Refused();
            return;
        }

        _process.Wake();
        _cluster.Time.After(patience, () =>
        {
            // Patience ends as a caller's cancellation does: whoever takes the question out of its table owes it its outcome.
            if (!ReferenceEquals(operation, _operation))
                return;
            _question!.GiveUp();
            _question.Poll();
        });
    }

    void IClient.Poll() => _question?.Poll();

    void IClient.NodeIsGone() => _question!.Lost();

    /// <summary>Notes how it ended, and lets the workload go on.</summary>
    private void End(OperationOutcome outcome, LogIndex index, Action answer)
    {
        var operation = _operation!;
        operation.End(_cluster.Time.Now, outcome, index);
        _cluster.Chronicle.Mix(((ulong)outcome << 56) ^ (operation.Number << 20) ^ index.Value);
        _cluster.Tally.Add(outcome.ToString());
        _at!.NoLongerWaits(this);
        (_operation, _question, _process) = (null, null, null);
        if (outcome is OperationOutcome.Committed or OperationOutcome.Granted)
            _application.Showed(operation, _cluster.Tally);
        answer();
        AfterWorkload();
    }

    /// <summary>What was asked and is not answered yet.</summary>
    private abstract class Question
    {
        public abstract ClientOperation<TMachine, TResult> Begin(NodeId at);

        public abstract bool TryAsk(Process process);

        public abstract void Poll();

        public abstract void GiveUp();

        public abstract void Refused();

        public abstract void Lost();
    }

    private sealed class Proposal(VirtualClient<TMachine, TResult> client, ReadOnlyMemory<byte> command, object what) : Question
    {
        private readonly TaskCompletionSource<ProposalResult<TResult>> _answer = new();
        private MachineHost<TMachine, TResult>? _host;
        private Task<ProposalResult<TResult>>? _outcome;
        private ProposalId _id;

        public Task<ProposalResult<TResult>> Answer => _answer.Task;

        public override ClientOperation<TMachine, TResult> Begin(NodeId at) =>
            client._application.Begin(client.Number, at, what, client._cluster.Time.Now, command, query: null);

        public override bool TryAsk(Process process)
        {
            _host = (MachineHost<TMachine, TResult>)process.Machine;
            return _host.TryPropose(process.Clients, client._operation!.Number, command, out _id, out _outcome);
        }

        public override void GiveUp() => _host!.GiveUp(client._process!.Clients, _id);

        public override void Poll()
        {
            if (_outcome is not { IsCompleted: true })
                return;
            var (cluster, operation, result) = (client._cluster, client._operation!, _outcome.Result);
            switch (result.Outcome)
            {
                case ProposalOutcome.Committed:
                    cluster.Acknowledge(client._application.Ledger.Acknowledged(operation.Number, result.Index), operation);
                    operation.Result = result.Result;
                    client._committed++;
                    End(OperationOutcome.Committed, result);
                    break;
                case ProposalOutcome.Rejected:
                    cluster.Tally.Add("rejected " + result.Reason);
                    Reject(result);
                    break;
                default:
                    Lost();
                    break;
            }
        }

        public override void Refused() => Reject(ProposalResult<TResult>.Rejected(RejectReason.Busy, NodeId.None));

        public override void Lost() => End(OperationOutcome.Indeterminate, ProposalResult<TResult>.Indeterminate);

        private void Reject(ProposalResult<TResult> result)
        {
            client._application.Ledger.Rejected(client._operation!.Number);
            End(OperationOutcome.Rejected, result);
        }

        private void End(OperationOutcome outcome, ProposalResult<TResult> result) => client.End(outcome, result.Index, () => _answer.SetResult(result));
    }

    private sealed class Reading<T>(VirtualClient<TMachine, TResult> client, Func<TMachine, T> query, object what) : Question
    {
        private readonly TaskCompletionSource<ReadAnswer<T>> _answer = new();
        private PendingRead? _waiter;

        public Task<ReadAnswer<T>> Answer => _answer.Task;

        public override ClientOperation<TMachine, TResult> Begin(NodeId at) =>
            client._application.Begin(client.Number, at, what, client._cluster.Time.Now, default, machine => query(machine));

        public override bool TryAsk(Process process) => process.Reads.TryAdd(out _waiter);

        public override void GiveUp() => _waiter!.Complete(ReadResult.TimedOut);

        public override void Poll()
        {
            if (_waiter is not { Task.IsCompleted: true })
                return;
            var result = _waiter.Task.Result;
            if (!result.IsGranted)
            {
                End(result.Reason is null ? OperationOutcome.Indeterminate : OperationOutcome.Rejected, default, default);
                return;
            }

            var (operation, host) = (client._operation!, (MachineHost<TMachine, TResult>)client._process!.Machine);
            if (host.Shown < result.Index)
                throw new ViolationException("GrantedIsApplied", $"{operation} was granted at {result.Index} when {host.Shown} was applied");
            var value = query(host.Machine);
            operation.Answer = value;
            client._cluster.Chronicle.Mix(Equality.Words(value));
            client._granted++;
            End(OperationOutcome.Granted, host.Shown, new ReadAnswer<T>(true, value));
        }

        public override void Refused() => End(OperationOutcome.Rejected, default, default);

        public override void Lost() => End(OperationOutcome.Indeterminate, default, default);

        private void End(OperationOutcome outcome, LogIndex index, ReadAnswer<T> answer) => client.End(outcome, index, () => _answer.SetResult(answer));
    }
}

/// <summary>How a read ended.</summary>
/// <param name="IsGranted">The member was allowed to read; otherwise it was refused, went away, or took too long.</param>
/// <param name="Value">Granted: what the machine answered.</param>
public readonly record struct ReadAnswer<T>(bool IsGranted, T? Value);
