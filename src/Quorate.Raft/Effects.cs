namespace Quorate.Raft;

/// <summary>
/// The effects of one step, as data. The driver carries them out in the order of these members. The core fills this object, whose contents
/// are valid until the next step.
/// </summary>
/// <remarks>
/// Order: (1) <see cref="Append"/> goes to the disk, (2) <see cref="SendNow"/> may be sent at once, (3) <see cref="SendWhenDurable"/> is
/// sent when its token is durable, (4) the rest in any order. The core requires nothing else of the driver.
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
    private readonly MessagePool<TimeoutNow> _timeoutNows = new();
    private Proposal[] _proposals = [];
    private int _proposalCount;

    /// <summary>The hard state and entries to write to the disk.</summary>
    public AppendEffect Append { get; internal set; }

    /// <summary>Messages that depend on no outstanding flush.</summary>
    public SendNowList SendNow { get; } = new();

    /// <summary>Messages that may be sent only when an append is durable.</summary>
    public SendWhenDurableList SendWhenDurable { get; } = new();

    /// <summary>
    /// The snapshot from which the state machine is to be restored, after everything it was given before and before
    /// <see cref="Apply"/> of later steps: the last entry that it covers. Null: none.
    /// </summary>
    public EntryId? RestoreSnapshot { get; internal set; }

    /// <summary>
    /// A snapshot that this node needs, because the leader no longer has the entries it lacks. Repeated until it is received. Null: none.
    /// </summary>
    public NeededSnapshot? NeededSnapshot { get; internal set; }

    /// <summary>Entries up to this index are dropped from the log on the disk; 0: none.</summary>
    public LogIndex CompactTo { get; internal set; }

    /// <summary>
    /// The next committed entries, in order, each exactly once, including no-ops and configurations, except those that a snapshot replaces.
    /// </summary>
    public ReadOnlyMemory<LogEntry> Apply { get; internal set; }

    /// <summary>Proposals of this node that will never be committed.</summary>
    public List<ProposalRejection> Rejections { get; } = [];

    /// <summary>
    /// Proposals of this node whose outcome cannot be known any more: their entries may be among those that an installed snapshot replaced.
    /// </summary>
    public List<ProposalId> Indeterminate { get; } = [];

    /// <summary>Results of reads of this node.</summary>
    public List<ReadIndexResult> ReadResults { get; } = [];

    /// <summary>Results of leadership transfers that were requested of this node.</summary>
    public List<TransferResult> TransferResults { get; } = [];

    /// <summary>Entries that a follower or the state machine needs and that are no longer in memory.</summary>
    public List<LoadEntriesRequest> EntriesRequests { get; } = [];

    /// <summary>
    /// Whether <see cref="RaftCore.Configuration"/>, <see cref="RaftCore.CommittedConfiguration"/> or <see cref="RaftCore.Peers"/> may have
    /// changed.
    /// </summary>
    public bool MembersChanged { get; internal set; }

    /// <summary>Events of this step, for observers.</summary>
    public List<TraceEvent> Trace { get; } = [];

    internal void Clear()
    {
        Append = default;
        Apply = default;
        RestoreSnapshot = null;
        NeededSnapshot = null;
        CompactTo = LogIndex.Zero;
        MembersChanged = false;
        SendNow.Clear();
        SendWhenDurable.Clear();
        Rejections.Clear();
        Indeterminate.Clear();
        ReadResults.Clear();
        TransferResults.Clear();
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
        _timeoutNows.Reset();
        _proposals.AsSpan(0, _proposalCount).Clear();
        _proposalCount = 0;
    }

    /// <summary>Copies proposals for a message. The copy is valid as long as the message.</summary>
    internal ReadOnlyMemory<Proposal> CopyProposals(List<Proposal> proposals)
    {
        // When the array is too small, earlier copies stay where they are, and their messages keep views of the old array.
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

    internal TimeoutNow NewTimeoutNow() => _timeoutNows.Rent();
}

/// <summary>The data that one step writes to disk, with one write and one flush, which appends of other steps may share.</summary>
/// <param name="Token">
/// Identifies this append; 0 when there is nothing to write. Tokens ascend, and appends become durable in their order.
/// </param>
/// <param name="HardState">The new term and vote, when they changed.</param>
/// <param name="Entries">The entries to write. They replace everything the log holds at or after the first one's index. A view.</param>
/// <param name="Commit">
/// The commit index, to be stored with the entries. Nothing waits for it: it only makes recovery faster and more precise.
/// </param>
public readonly record struct AppendEffect(ulong Token, HardState? HardState, ReadOnlyMemory<LogEntry> Entries, LogIndex Commit)
{
    /// <summary>
    /// The last entry of the durable snapshot that replaces the whole log, before <see cref="Entries"/> are written behind it; null: the
    /// log stays.
    /// </summary>
    public EntryId? ResetTo { get; init; }

    /// <summary>Whether there is nothing to write.</summary>
    public bool IsEmpty => Token == 0;
}

/// <summary>A proposal that will never be committed, and the reason.</summary>
public readonly record struct ProposalRejection(ProposalId Proposal, RejectReason Reason);

/// <summary>The result of a read: granted, to be read once <paramref name="Index"/> is applied, or rejected.</summary>
/// <param name="Ticket">The driver's number for the read.</param>
/// <param name="Index">When granted: read once this index has been applied.</param>
/// <param name="RejectReason">Why the read was rejected; null when it was granted.</param>
public readonly record struct ReadIndexResult(ulong Ticket, LogIndex Index, RejectReason? RejectReason);

/// <summary>The result of a leadership transfer.</summary>
/// <param name="Ticket">The driver's number for the transfer.</param>
/// <param name="Leader">The leader that this node knows now, or none; after a success the target.</param>
/// <param name="Failure">Why leadership was not transferred; null when it was.</param>
public readonly record struct TransferResult(ulong Ticket, NodeId Leader, TransferFailure? Failure);

/// <summary>A request to load entries from the disk, for a follower or for this node's own state machine when it lags far behind.</summary>
/// <param name="Peer">The node that needs the entries: a follower, or this node.</param>
/// <param name="From">The first entry.</param>
/// <param name="To">The last entry that is on disk and needed.</param>
/// <param name="MaxBytes">Approximately how many bytes to load; at least one entry.</param>
public readonly record struct LoadEntriesRequest(NodeId Peer, LogIndex From, LogIndex To, int MaxBytes);

/// <summary>A snapshot that this node needs.</summary>
/// <param name="Leader">The leader, which has such a snapshot; other members may have one too.</param>
/// <param name="AtLeast">The snapshot must cover this entry.</param>
public readonly record struct NeededSnapshot(NodeId Leader, EntryId AtLeast);

/// <summary>Messages that may be sent at once: nothing in them depends on an outstanding flush.</summary>
public sealed class SendNowList
{
    private readonly List<Message> _messages = [];

    /// <summary>The messages.</summary>
    public IReadOnlyList<Message> Messages => _messages;

    internal void Add(Message message) => _messages.Add(message);

    internal void Clear() => _messages.Clear();
}

/// <summary>
/// Messages to be sent when the append <see cref="Token"/> is durable: votes, acknowledgements, anything of a term that is not yet on disk.
/// </summary>
/// <remarks>Another type than <see cref="SendNowList"/>, so that the two cannot be confused.</remarks>
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

/// <summary>Messages of one kind, allocated once and reused in every step.</summary>
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
