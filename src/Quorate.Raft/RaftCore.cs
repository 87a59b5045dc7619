namespace Quorate.Raft;

/// <summary>What a node is in its term.</summary>
public enum Role : byte
{
    /// <summary>Follows whoever leads, and votes.</summary>
    Follower = 0,

    /// <summary>Asks whether it would be elected; its term stays as it is.</summary>
    PreCandidate = 1,

    /// <summary>Stands for election in its term.</summary>
    Candidate = 2,

    /// <summary>Was elected in its term.</summary>
    Leader = 3,
}

/// <summary>
/// The Raft protocol, whole and pure: no clock, no socket, no file, no thread. One input at a time goes in, and the effects that come out are
/// all that happened.
/// </summary>
/// <remarks>
/// The same options, restored state and inputs give the same effects, byte for byte, on any machine.
/// <code>
///   snapshot ≤ applied ≤ handed out ≤ commit ≤ last        durable ≤ last
/// </code>
/// A leader's commit may run ahead of its own disk: a quorum of the others holds the entry. Threading: one caller at a time.
/// Errors: an <see cref="InvariantViolationException"/> is a bug; the core must not be stepped again.
/// The parts: RaftCore.Roles (who one is), .Election (how that changes), .Replication (the leader's side of the log), .Following (the
/// follower's), .Durability (what waits for the disk), .Commit, .Proposals, .Reads; .Exploring copies a core for the model checker. Source: Ongaro, "Consensus: Bridging Theory and Practice" (the thesis).
/// </remarks>
public sealed partial class RaftCore
{
    private readonly RaftOptions _options;
    private readonly RaftLog _log;
    private readonly NodeId _self;
    private SplitMix64 _random;

    private Role _role;
    private Term _term;
    private NodeId _votedFor;
    private NodeId _leader;
    private Configuration _configuration;

    /// <summary>Ticks since the core was made.</summary>
    private ulong _now;

    /// <summary>A core that goes on from what its disk holds. It begins as a follower.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public RaftCore(RaftOptions options, DurableState restored)
    {
        options.Validate();
        _options = options;
        _self = options.Self;
        _random = new SplitMix64(options.Seed);
        _lastReadId = _random.Next();
        _configuration = restored.Configuration;
        _log = new RaftLog(restored.Snapshot, restored.TermStarts, restored.Tail, restored.Last);
        _term = restored.HardState.Term;
        _votedFor = restored.HardState.VotedFor;
        _commit = _applyingIndex = _applied = restored.Commit;
        for (var index = _commit + 1; index <= _log.LastIndex; index += 1)
            _unappliedBytes += _log.Cached(index).SizeBytes;
        _uncommittedBytes = _unappliedBytes;
        _applyWindow = new InflightWindow(int.MaxValue, options.MaxUncommittedBytes);
        _forwardedProposals = new ForwardedProposals();

        Invariant.That(_log.LastTerm <= _term, "an entry of a term is written after that term");
        Invariant.That(restored.Snapshot.Index <= _commit && _commit <= _log.LastIndex);

        // Nobody is known to lead, so the first question comes soon, between a tenth and a half of an election timeout: if somebody does lead,
        // the others hear him and refuse.
        ResetElectionTimer();
        var drawn = Math.Max(0, _electionTimeout - options.ElectionTicks);
        _electionTimeout = Math.Min(_electionTimeout, Math.Max(1, options.ElectionTicks / 10 + drawn * 2 / 5));
    }

    /// <summary>This node.</summary>
    public NodeId Self => _self;

    /// <summary>What the node is, now.</summary>
    public Role Role => _role;

    /// <summary>The newest term the node knows of.</summary>
    public Term Term => _term;

    /// <summary>Whom the node voted for in <see cref="Term"/>, or nobody.</summary>
    public NodeId VotedFor => _votedFor;

    /// <summary>Who leads in <see cref="Term"/>, as far as the node knows.</summary>
    public NodeId Leader => _leader;

    /// <summary>The configuration in force.</summary>
    public Configuration Configuration => _configuration;

    /// <summary>Everything up to here is on a quorum's disks and will never change.</summary>
    public LogIndex CommitIndex => _commit;

    /// <summary>Everything up to here has been applied by this node's state machine.</summary>
    public LogIndex AppliedIndex => _applied;

    /// <summary>The end of the log.</summary>
    public LogIndex LastIndex => _log.LastIndex;

    /// <summary>Everything up to here is on this node's disk.</summary>
    public LogIndex DurableIndex => _log.Durable;

    /// <summary>Everything up to here has been handed out to be applied.</summary>
    public LogIndex ApplyingIndex => _applyingIndex;

    /// <summary>Everything up to here is in the snapshot and no longer in the log.</summary>
    public LogIndex SnapshotIndex => _log.Snapshot.Index;

    /// <summary>The term of the last entry.</summary>
    public Term LastTerm => _log.LastTerm;

    /// <summary>The term of the entry at an index; null where the log has none, or no longer.</summary>
    public Term? TermAt(LogIndex index) => _log.TermAt(index);

    /// <summary>How many followers are in each way of being sent to, and how far; for status pages. Empty unless the node leads.</summary>
    public IEnumerable<(NodeId Node, ReplicationState State, LogIndex Match, LogIndex Next)> Followers =>
        _role == Role.Leader ? _followers.Select(f => (f.Node, f.State, f.Match, f.Next)) : [];

    /// <summary>The one door: takes one input and says, in <paramref name="effects"/>, all that follows from it.</summary>
    /// <param name="input">What happened.</param>
    /// <param name="effects">Cleared first; good until the next step with the same object.</param>
    public void Step(in Input input, Effects effects)
    {
        effects.Clear();
        BeginAppend();
        _log.Release(_commit, _options.MaxCachedBytes);

        switch (input.Kind)
        {
            case InputKind.Tick:
                OnTick(effects);
                break;
            case InputKind.Message:
                OnMessage(input.Message!, effects);
                break;
            case InputKind.Propose:
                OnPropose(input.Proposals.Span, effects);
                break;
            case InputKind.Read:
                OnRead(input.Number, effects);
                break;
            case InputKind.Durable:
                OnDurable(input.Number, effects);
                break;
            case InputKind.Applied:
                OnApplied(input.Index);
                break;
            case InputKind.EntriesLoaded:
                OnEntriesLoaded(input.Peer, input.Entries, effects);
                break;
            case InputKind.PeerLost:
                OnPeerLost(input.Peer, effects);
                break;
            case InputKind.Withdraw:
                OnWithdraw(input.Number);
                break;
            case InputKind.EndOfIteration:
                OnEndOfIteration(effects);
                break;
            default:
                throw new ArgumentException($"{input.Kind} is no input", nameof(input));
        }

        EndAppend(effects);
        EmitCommitted(effects);
        RaftInvariants.CheckState(this);
    }

    private void OnTick(Effects effects)
    {
        _now++;
        if (_role == Role.Leader)
            OnLeaderTick(effects);
        else
            OnElectionTick(effects);

        if (_now % (ulong)_options.HeartbeatTicks == 0)
        {
            RetryForwardedReads();
            _forwardedProposals.OnHeartbeatInterval(_options.MaxMessageBytes);
        }
    }

    private void OnEndOfIteration(Effects effects)
    {
        if (_role == Role.Leader)
        {
            StartReadRound(effects);
            foreach (var follower in _followers)
                Replicate(follower, effects);
        }
        else
        {
            SendForwardedReads(effects);
            SendForwardedProposals(effects);
        }
    }

    private void OnMessage(Message message, Effects effects)
    {
        Invariant.That(message.To == _self, "the network delivers to whom it was sent");
        Invariant.That(message.From != _self);

        if (message.Term > _term && !TryAdoptTerm(message, effects))
            return;

        switch (message)
        {
            case AppendEntries append:
                OnAppendEntries(append, effects);
                break;
            case AppendEntriesReply reply:
                OnAppendEntriesReply(reply, effects);
                break;
            case RequestVote request:
                OnRequestVote(request, effects);
                break;
            case RequestVoteReply reply:
                OnRequestVoteReply(reply, effects);
                break;
            case ForwardProposals forward:
                OnForwardProposals(forward, effects);
                break;
            case RejectProposals rejection:
                OnRejectProposals(rejection, effects);
                break;
            case ReadIndexRequest request:
                OnReadIndexRequest(request, effects);
                break;
            case ReadIndexReply reply:
                OnReadIndexReply(reply, effects);
                break;
            default:
                throw new ArgumentException($"{message.GetType().Name} is no message of Raft's", nameof(message));
        }
    }

    /// <summary>Sends what is true already, unless the term itself is still on its way to the disk.</summary>
    private void Send(Message message, NodeId to, Effects effects)
    {
        message.From = _self;
        message.To = to;
        if (_hardStateToken > _durableToken)
            effects.SendWhenDurable.Add(message, _appendToken);
        else
            effects.SendNow.Add(message);
    }

    /// <summary>Sends what becomes true when everything written so far is on the disk.</summary>
    private void SendWhenDurable(Message message, NodeId to, Effects effects)
    {
        message.From = _self;
        message.To = to;
        if (_appendToken > _durableToken)
            effects.SendWhenDurable.Add(message, _appendToken);
        else
            effects.SendNow.Add(message);
    }

    /// <summary>The first index of the run of entries of one term that <paramref name="index"/> lies in.</summary>
    internal LogIndex RunStart(LogIndex index) => _log.RunStart(index);

    /// <summary>Bytes of the entries in memory; for tests.</summary>
    internal long CachedBytes => _log.CachedBytes;

    internal void CheckFollowers()
    {
        foreach (var follower in _followers)
        {
            Invariant.That(follower.Match < follower.Next, "MatchBelowNext");
            Invariant.That(follower.Next <= _log.LastIndex + 1, "NextWithinLog");
        }
    }

    private void Trace(TraceKind kind, Effects effects, NodeId peer = default, LogIndex index = default) =>
        effects.Trace.Add(new TraceEvent(kind, _term, peer, index));
}
