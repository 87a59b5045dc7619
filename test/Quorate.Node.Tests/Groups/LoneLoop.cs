using Quorate.Node.Groups;
using Quorate.Node.Tests.Io;
using Quorate.Node.Transport;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Groups;

/// <summary>The loop of member 1 of three, with nobody behind its network, disk and apply threads but the test, which says when each does something.</summary>
internal sealed class LoneLoop : IStateMachine<int>, INetwork, IAnswers<ProposalResult<int>>
{
    private static readonly NodeId Self = new(1);

    private readonly Queue<NetworkEvent> _arriving = new();
    private readonly WriteAheadLog _log;
    private readonly ProposalTable<int> _proposals;
    private readonly Applier<int> _applier;
    private readonly GroupLoop _loop;

    public LoneLoop(int waitingMax = 1000, RaftOptions? options = null, TimeProvider? time = null)
    {
        var walOptions = Wal.Given.SmallSegments();
        (_log, _) = WriteAheadLog.Open(new MemoryDisk(), walOptions);
        Reads = new ReadTable(waitingMax);
        Clients = new ClientInbox(waitingMax, 1 << 20, AnswersFirst = new AnswersFirst(time ?? TimeProvider.System, static () => { }));
        _proposals = new ProposalTable<int>(Self, firstSequence: 0, this);
        _applier = new Applier<int>(this, Self, _proposals, Reads, ApplyThread, LogIndex.Zero, static () => { });
        var members = new Configuration([Self, new NodeId(2), new NodeId(3)]);
        Core = new RaftCore((options ?? new RaftOptions { Self = Self }) with { Self = Self, Seed = 1 }, new DurableState { Configuration = members });
        var clock = new TickClock(time ?? TimeProvider.System, TimeSpan.FromHours(1), ticksAtOnceMax: 1);
        _loop = new GroupLoop(Core, this, new LogWriter(_log, walOptions, DiskThread, static () => { }), _applier, Reads, Clients, clock, static (_, in _, _) => { });
    }

    public RaftCore Core { get; }

    public ReadTable Reads { get; }

    public ClientInbox Clients { get; }

    public AnswersFirst AnswersFirst { get; }

    public Worker DiskThread { get; } = new();

    public Worker ApplyThread { get; } = new();

    /// <summary>The numbers of the questions for an index that have left, oldest first.</summary>
    public List<ulong> Questions { get; } = [];

    /// <summary>The indexes that the state machine was given.</summary>
    public List<ulong> Applied { get; } = [];

    /// <summary>A turn; if <paramref name="disk"/>, with all that the disk has to do after it, and the turns that follow from that.</summary>
    public void Turn(bool disk = true)
    {
        _loop.Turn();
        while (disk && DiskThread.Do())
            _loop.Turn();
    }

    public void Receive(Message message)
    {
        message.To = Self;
        _arriving.Enqueue(new NetworkEvent(NetworkEventKind.Message, message.From, message));
    }

    public (ProposalId Id, Task<ProposalResult<int>> Outcome) Propose(int bytes)
    {
        Assert.True(Clients.TryAdd(new byte[bytes], _proposals, out var id, out var outcome));
        return (id, outcome);
    }

    public bool Withdraw(ProposalId proposal) => Clients.Withdraw(proposal.Sequence, _proposals);

    /// <summary>Member 2 says that it leads term 1.</summary>
    public void HearLeader(LogIndex commit = default, params LogEntry[] entries) => Receive(new AppendEntries
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
            Questions.Add(question.ReadId);
    }

    void INetwork.Flush()
    {
    }

    bool INetwork.TryReceive(out NetworkEvent received) => _arriving.TryDequeue(out received);

    void IAnswers<ProposalResult<int>>.Give(ReadOnlySpan<Answered<ProposalResult<int>>> answers)
    {
        foreach (ref readonly var answer in answers)
            answer.Caller.TrySetResult(answer.Outcome);
    }

    /// <summary>A thread that works when it is told to.</summary>
    internal sealed class Worker : IWorker
    {
        private readonly Queue<Action> _work = new();

        public void Post(Action work) => _work.Enqueue(work);

        /// <summary>The next piece of work; false when there is none.</summary>
        public bool Do()
        {
            if (!_work.TryDequeue(out var work))
                return false;
            work();
            return true;
        }
    }
}
