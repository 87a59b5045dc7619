using Quorate.Node.Driver;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Threading;
using Quorate.Node.Transport;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>
/// The driver of member 1 of three. The test stands in for the network, the disk thread and the apply thread, and decides when each acts.
/// </summary>
internal sealed class DriverHarness : IStateMachine<int>, INetwork, ICompletionDispatcher<ProposalResult<int>>
{
    private static readonly NodeId Self = new(1);

    private readonly Queue<NetworkEvent> _arriving = new();
    private readonly WriteAheadLog _log;
    private readonly PendingProposals<int> _pendingProposals;
    private readonly Applier<int> _applier;
    private readonly RaftDriver _driver;

    public DriverHarness(int pendingMax = 1000, RaftOptions? options = null, TimeProvider? time = null)
    {
        var walOptions = Wal.Given.SmallSegments();
        (_log, _) = WriteAheadLog.Open(new MemoryStorage(), walOptions);
        PendingReads = new PendingReads(pendingMax);
        ProposalQueue =
            new ProposalQueue(pendingMax, 1 << 20, GroupCommitHold = new GroupCommitHold(time ?? TimeProvider.System, static () => { }));
        _pendingProposals = new PendingProposals<int>(Self, firstSequence: 0, this);
        _applier = new Applier<int>(this, Self, _pendingProposals, PendingReads, ApplyThread, LogIndex.Zero, static () => { });
        var members = new Configuration([Self, new NodeId(2), new NodeId(3)]);
        Core = new RaftCore((options ?? new RaftOptions { Self = Self }) with { Self = Self, Seed = 1 },
            new DurableState { Configuration = members });
        var clock = new TickClock(time ?? TimeProvider.System, TimeSpan.FromHours(1), ticksAtOnceMax: 1);
        _driver = new RaftDriver(Core, this, new LogWriter(_log, walOptions, DiskThread, static () => { }), _applier, PendingReads,
            ProposalQueue, clock, static (_, in _, _) => { });
    }

    public RaftCore Core { get; }

    public PendingReads PendingReads { get; }

    public ProposalQueue ProposalQueue { get; }

    public GroupCommitHold GroupCommitHold { get; }

    public ManualWorker DiskThread { get; } = new();

    public ManualWorker ApplyThread { get; } = new();

    /// <summary>The ids of the ReadIndex requests that were sent, oldest first.</summary>
    public List<ulong> ReadIndexRequestIds { get; } = [];

    /// <summary>The indexes of the entries that the state machine applied.</summary>
    public List<ulong> Applied { get; } = [];

    /// <summary>
    /// Runs an iteration; if <paramref name="disk"/>, also the disk work that follows from it, and the iterations that follow from that.
    /// </summary>
    public void RunOnce(bool disk = true)
    {
        _driver.RunOnce();
        while (disk && DiskThread.RunNext())
            _driver.RunOnce();
    }

    public void Receive(Message message)
    {
        message.To = Self;
        _arriving.Enqueue(new NetworkEvent(NetworkEventKind.Message, message.From, message));
    }

    public (ProposalId Id, Task<ProposalResult<int>> Outcome) Propose(int bytes)
    {
        Assert.True(ProposalQueue.TryAdd(new byte[bytes], _pendingProposals, out var id, out var outcome));
        return (id, outcome);
    }

    public bool Withdraw(ProposalId proposal) => ProposalQueue.Withdraw(proposal.Sequence, _pendingProposals);

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

    void INetwork.Send(Message message)
    {
        if (message is ReadIndexRequest question)
            ReadIndexRequestIds.Add(question.ReadId);
    }

    void INetwork.Flush()
    {
    }

    bool INetwork.TryReceive(out NetworkEvent received) => _arriving.TryDequeue(out received);

    void ICompletionDispatcher<ProposalResult<int>>.Dispatch(ReadOnlySpan<Completion<ProposalResult<int>>> completions)
    {
        foreach (ref readonly var completion in completions)
            completion.Source.TrySetResult(completion.Outcome);
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
