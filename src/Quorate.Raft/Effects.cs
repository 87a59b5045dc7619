namespace Quorate.Raft;

/// <summary>
/// Everything that one step wants done, as data. The driver carries it out in the order of these members; the core fills it in, and
/// whatever it holds is good until the next step.
/// </summary>
/// <remarks>
/// Order: (1) <see cref="Append"/> goes to the disk, (2) <see cref="SendNow"/> may leave at once, (3) <see cref="SendWhenDurable"/>
/// leaves when the disk has answered for its token, (4) the rest in any order. Nothing else is asked of the driver.
/// </remarks>
public sealed class Effects
{
    private readonly MessagePool<AppendEntries> _appends = new();
    private readonly MessagePool<AppendEntriesReply> _appendReplies = new();
    private readonly MessagePool<RequestVote> _votes = new();
    private readonly MessagePool<RequestVoteReply> _voteReplies = new();
    private readonly MessagePool<ForwardProposals> _forwards = new();
    private readonly MessagePool<RejectProposals> _proposalRejections = new();
    private readonly MessagePool<ReadIndexRequest> _readRequests = new();
    private readonly MessagePool<ReadIndexReply> _readReplies = new();
    private Proposal[] _proposals = [];
    private int _proposalCount;

    /// <summary>What must go to the disk.</summary>
    public AppendEffect Append { get; internal set; }

    /// <summary>Messages that are true already.</summary>
    public SendNowList SendNow { get; } = new();

    /// <summary>Messages that become true when the disk has answered.</summary>
    public SendWhenDurableList SendWhenDurable { get; } = new();

    /// <summary>The next committed entries, in order, each exactly once: no-ops and configurations among them.</summary>
    public ReadOnlyMemory<LogEntry> Apply { get; internal set; }

    /// <summary>Proposals of this node that will never be committed.</summary>
    public List<Rejection> Rejections { get; } = [];

    /// <summary>Answers to reads of this node.</summary>
    public List<ReadIndexResult> ReadResults { get; } = [];

    /// <summary>Entries that a follower or the state machine needs and that are no longer in memory.</summary>
    public List<EntriesRequest> EntriesRequests { get; } = [];

    /// <summary>What happened, for whoever watches.</summary>
    public List<TraceEvent> Trace { get; } = [];

    internal void Clear()
    {
        Append = default;
        Apply = default;
        SendNow.Clear();
        SendWhenDurable.Clear();
        Rejections.Clear();
        ReadResults.Clear();
        EntriesRequests.Clear();
        Trace.Clear();
        _appends.Reset();
        _appendReplies.Reset();
        _votes.Reset();
        _voteReplies.Reset();
        _forwards.Reset();
        _proposalRejections.Reset();
        _readRequests.Reset();
        _readReplies.Reset();
        _proposals.AsSpan(0, _proposalCount).Clear();
        _proposalCount = 0;
    }

    /// <summary>A copy for a message to show, good as long as the message.</summary>
    internal ReadOnlyMemory<Proposal> CopyProposals(List<Proposal> proposals)
    {
        // Should there be too little room, what is kept already stays where it is and is shown from there.
        if (_proposals.Length - _proposalCount < proposals.Count)
            (_proposals, _proposalCount) = (new Proposal[2 * (_proposalCount + proposals.Count)], 0);
        proposals.CopyTo(_proposals, _proposalCount);
        _proposalCount += proposals.Count;
        return _proposals.AsMemory(_proposalCount - proposals.Count, proposals.Count);
    }

    internal AppendEntries NewAppendEntries() => _appends.Rent();

    internal AppendEntriesReply NewAppendEntriesReply() => _appendReplies.Rent();

    internal RequestVote NewRequestVote() => _votes.Rent();

    internal RequestVoteReply NewRequestVoteReply() => _voteReplies.Rent();

    internal ForwardProposals NewForwardProposals() => _forwards.Rent();

    internal RejectProposals NewRejectProposals() => _proposalRejections.Rent();

    internal ReadIndexRequest NewReadIndexRequest() => _readRequests.Rent();

    internal ReadIndexReply NewReadIndexReply() => _readReplies.Rent();
}

/// <summary>What one step wants on disk: written as one, flushed as one, together with as many other steps' as have gathered.</summary>
/// <param name="Token">Names this append; 0 when there is nothing to do. Tokens ascend, and the disk answers in their order.</param>
/// <param name="HardState">The new term and vote, when they changed.</param>
/// <param name="Entries">Entries to write; whatever the log holds at or after the first one's index is replaced. A view.</param>
/// <param name="Commit">The commit index, to be noted beside the entries. Nothing waits for it: it only makes recovery quicker and sharper.</param>
public readonly record struct AppendEffect(ulong Token, HardState? HardState, ReadOnlyMemory<LogEntry> Entries, LogIndex Commit)
{
    /// <summary>Nothing to write.</summary>
    public bool IsEmpty => Token == 0;
}

/// <summary>A proposal that will never be committed.</summary>
public readonly record struct Rejection(ProposalId Proposal, RejectReason Reason);

/// <summary>The answer to a read: granted once <paramref name="Index"/> is applied, or refused.</summary>
/// <param name="Ticket">The driver's number for the read.</param>
/// <param name="Index">Granted: read when this index has been applied.</param>
/// <param name="RejectReason">Not granted, and why; null when it is.</param>
public readonly record struct ReadIndexResult(ulong Ticket, LogIndex Index, RejectReason? RejectReason);

/// <summary>Entries to read back from the disk for a follower, or for this node's own state machine when it is far behind.</summary>
/// <param name="Peer">Who needs them: a follower, or this node.</param>
/// <param name="From">The first one.</param>
/// <param name="To">The last one that is on disk and wanted.</param>
/// <param name="MaxBytes">About how much; at least one entry.</param>
public readonly record struct EntriesRequest(NodeId Peer, LogIndex From, LogIndex To, int MaxBytes);

/// <summary>Messages that may leave at once: nothing they say depends on a flush that is still to come.</summary>
public sealed class SendNowList
{
    private readonly List<Message> _messages = [];

    /// <summary>The messages.</summary>
    public IReadOnlyList<Message> Messages => _messages;

    internal void Add(Message message) => _messages.Add(message);

    internal void Clear() => _messages.Clear();
}

/// <summary>Messages that leave when the disk has answered for <see cref="Token"/>: votes, acknowledgements, anything of a term not yet on disk.</summary>
/// <remarks>Another type than <see cref="SendNowList"/>, so that the two cannot be mixed up.</remarks>
public sealed class SendWhenDurableList
{
    private readonly List<Message> _messages = [];

    /// <summary>The append these messages depend on.</summary>
    public ulong Token { get; private set; }

    /// <summary>The messages.</summary>
    public IReadOnlyList<Message> Messages => _messages;

    internal void Add(Message message, ulong token)
    {
        Token = token;
        _messages.Add(message);
    }

    internal void Clear()
    {
        Token = 0;
        _messages.Clear();
    }
}

/// <summary>Messages of one kind, made once and used again step after step.</summary>
internal sealed class MessagePool<T>
    where T : Message, new()
{
    private readonly List<T> _messages = [];
    private int _rented;

    public T Rent()
    {
        if (_rented == _messages.Count)
            _messages.Add(new T());
        return _messages[_rented++];
    }

    public void Reset()
    {
        while (_rented > 0)
            _messages[--_rented].Reset();
    }
}
