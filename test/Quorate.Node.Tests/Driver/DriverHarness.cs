using Quorate.Node.Divergence;
using Quorate.Node.Driver;
using Quorate.Node.Snapshots;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Threading;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>
/// The group of member 1 of three. The test stands in for the loop, the network, the disk thread and the apply thread, and decides when
/// each acts.
/// </summary>
internal sealed class DriverHarness : IStateMachine<int>, ITransport, ILoop, ICompletionDispatcherFactory
{
    public const int StateHashInterval = 4;

    private static readonly NodeId Self = new(1);

    private readonly Queue<ReceivedEvent> _arriving = new();
    private readonly RaftGroup<int> _group;
    private readonly MemoryStorage _storage;

    public DriverHarness(
        int pendingMax = 1000, RaftOptions? options = null, TimeProvider? time = null, SnapshotPolicy? snapshots = null,
        MemoryStorage? storage = null)
    {
        _storage = storage ?? new MemoryStorage();
        _group = RaftGroup.Open(
            new RaftGroupOptions
            {
                Raft = (options ?? new RaftOptions { Self = Self }) with { Self = Self, Seed = 1 },
                Configuration = new Configuration([Self, new NodeId(2), new NodeId(3)]),
                Storage = _storage,
                Identity = Wal.Given.Identity(_storage),
                Wal = Wal.Given.SmallSegments(),
                Features = Wal.Given.Features(_storage),
                Snapshots = snapshots ?? new SnapshotPolicy(),
                SnapshotFiles = new SnapshotOptions(),
                ClusterId = 0xC0DE,
                StateHashInterval = StateHashInterval,
                TimeProvider = time ?? TimeProvider.System,
                TickInterval = TimeSpan.FromHours(1),
                PendingRequestsMax = pendingMax,
                QueuedProposalBytesMax = 1 << 20,
                Loop = this,
                DiskWorker = DiskThread,
                ApplyWorker = ApplyThread,
                SnapshotWorker = SnapshotThread,
                TransferWorker = TransferThread,
                CompletionDispatchers = this,
                StartNetwork = () => this,
                OnStep = static (_, in _, _) => { },
            },
            this);
    }

    public RaftCore Core => _group.Core;

    public GroupDivergence Divergence => _group.Divergence;

    /// <summary>The hash of the state machine.</summary>
    public ulong? StateHash { get; set; }

    /// <summary>The state hashes that were sent, oldest first.</summary>
    public List<(NodeId To, LogIndex Index, ulong Hash)> SentHashes { get; } = [];

    /// <summary>Thrown by a snapshot that is written; null: it is written.</summary>
    public Exception? SnapshotFault { get; set; }

    public MemoryStorage Storage => _storage;

    public PendingReads PendingReads => _group.PendingReads;

    /// <summary>Receives the number of completions that are to be delivered; the harness itself completes callers at once.</summary>
    public IPendingCompletionsObserver CompletionsObserver { get; private set; } = null!;

    public ManualWorker DiskThread { get; } = new();

    public ManualWorker ApplyThread { get; } = new();

    public ManualWorker SnapshotThread { get; } = new();

    public ManualWorker TransferThread { get; } = new();

    /// <summary>The ids of the ReadIndex requests that were sent, oldest first.</summary>
    public List<ulong> ReadIndexRequestIds { get; } = [];

    /// <summary>The indexes of the entries that the state machine applied.</summary>
    public List<ulong> Applied { get; } = [];

    /// <summary>
    /// Runs an iteration; if <paramref name="disk"/>, also the disk work that follows from it, and the iterations that follow from that.
    /// </summary>
    public void RunOnce(bool disk = true)
    {
        _group.RunOnce();
        while (disk && DiskThread.RunNext())
            _group.RunOnce();
    }

    /// <summary>Runs iterations and the work of all threads until none is left.</summary>
    public void RunAll()
    {
        do
            RunOnce();
        while (ApplyThread.RunNext() || SnapshotThread.RunNext());
    }

    public void Receive(Message message)
    {
        message.To = Self;
        _arriving.Enqueue(ReceivedEvent.OfMessage(message.From, message));
    }

    public (ProposalId Id, Task<ProposalResult<int>> Outcome) Propose(int bytes)
    {
        Assert.True(_group.TryPropose(new byte[bytes], Term.Zero, out var id, out var outcome));
        return (id, outcome);
    }

    /// <summary>Proposes a command of this size; false when the queue is full.</summary>
    public bool TryPropose(int bytes, out ProposalId id) => _group.TryPropose(new byte[bytes], Term.Zero, out id, out _);

    public bool Withdraw(ProposalId proposal) => _group.Withdraw(proposal);

    /// <summary>Receives an AppendEntries of member 2, the leader of term 1.</summary>
    public void ReceiveAppendEntries(LogIndex commit = default, params LogEntry[] entries) => Receive(new AppendEntries
    {
        From = new NodeId(2),
        Term = new Term(1),
        Previous = entries is [var first, ..] && first.Index.Value > 1 ? new EntryId(first.Term, first.Index - 1) : EntryId.Zero,
        Entries = entries,
        LeaderCommit = commit,
    });

    int IStateMachine<int>.Apply(in CommittedCommand command)
    {
        Applied.Add(command.Id.Index.Value);
        return Applied.Count;
    }

    ulong? IStateMachine<int>.StateHash => StateHash;

    IStateMachineSnapshot IStateMachine<int>.CaptureSnapshot() => new EmptySnapshot(this);

    void ITransport.Send(Message message)
    {
        if (message is ReadIndexRequest question)
            ReadIndexRequestIds.Add(question.ReadId);
        if (message is StateHashReport report)
            SentHashes.Add((report.To, report.Index, report.Hash));
    }

    void ITransport.Flush()
    {
    }

    bool ITransport.TryReceive(out ReceivedEvent received) => _arriving.TryDequeue(out received);

    ValueTask IAsyncDisposable.DisposeAsync() => ValueTask.CompletedTask;

    void ILoop.Signal()
    {
    }

    void ILoop.TryRunInline()
    {
    }

    ICompletionDispatcher<TOutcome> ICompletionDispatcherFactory.Create<TOutcome>(IPendingCompletionsObserver observer)
    {
        CompletionsObserver = observer;
        return new InlineDispatcher<TOutcome>();
    }

    private sealed class InlineDispatcher<TOutcome> : ICompletionDispatcher<TOutcome>
    {
        public void Dispatch(ReadOnlySpan<Completion<TOutcome>> completions)
        {
            foreach (ref readonly var completion in completions)
                completion.Source.TrySetResult(completion.Outcome);
        }
    }

    private sealed class EmptySnapshot(DriverHarness harness) : IStateMachineSnapshot
    {
        public void WriteTo(Stream destination)
        {
            if (harness.SnapshotFault is { } fault)
                throw fault;
        }

        public void Dispose()
        {
        }
    }

    /// <summary>A worker that runs its work when the test calls it.</summary>
    internal sealed class ManualWorker : IWorker
    {
        private readonly Queue<Action> _work = new();

        public void Post(Action work) => _work.Enqueue(work);

        /// <summary>Runs the next piece of work; false when there is none.</summary>
        public bool RunNext()
        {
            if (!_work.TryDequeue(out var work))
                return false;
            work();
            return true;
        }
    }
}
