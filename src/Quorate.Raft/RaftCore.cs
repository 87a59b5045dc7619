namespace Quorate.Raft;

/// <summary>The role of a node in its term.</summary>
public enum Role : byte
{
    /// <summary>Follows the leader, and votes.</summary>
    Follower = 0,

    /// <summary>Requests pre-votes; its term does not change.</summary>
    PreCandidate = 1,

    /// <summary>Campaigns in its term.</summary>
    Candidate = 2,

    /// <summary>Was elected in its term.</summary>
    Leader = 3,
}

/// <summary>
/// The Raft protocol as a deterministic state machine: no clock, no socket, no file, no thread. One input at a time goes in, and the
/// effects that come out are the complete result.
/// </summary>
/// <remarks>
/// The same options, restored state and inputs give the same effects, byte for byte, on any machine.
/// Indexes: <c>compacted ≤ snapshot ≤ applying</c>, <c>applied ≤ applying ≤ commit ≤ last</c> and <c>durable ≤ last</c>; diagram in
/// docs/protocol/replication.md. A leader's commit index may be ahead of its own disk: a quorum of the others holds the entry. Threading:
/// one caller at a time. Errors: an <see cref="InvariantViolationException"/> is a bug; the core must not be stepped again.
/// Parts: RaftCore.Roles (role changes), .Election, .Replication (leader), .Follower, .Durability (what waits for the disk), .Commit,
/// .Snapshots, .Proposals, .Reads, .Lease, .Membership, .Transfer, .TransferResults, .Storage, .Repair, .Quarantine; .ModelChecking
/// copies a core for the explorer.
/// Source: Ongaro, "Consensus: Bridging Theory and Practice" (the thesis).
/// </remarks>
public sealed partial class RaftCore
{
    /// <summary>How far ahead of this node's term the term of a message may be; a message of a later term is ignored.</summary>
    /// <remarks>
    /// Terms increase by one in each election, so a real member is never this far ahead: ten elections a second take thirteen years.
    /// Without the limit, one message of the last term would prevent every later election, also after a restart.
    /// </remarks>
    public const ulong TermsAheadMax = 1UL << 32;

    private readonly RaftOptions _options;
    private readonly RaftLog _log;
    private readonly NodeId _self;
    private SplitMix64 _random;

    private Role _role;
    private Term _term;
    private NodeId _votedFor;
    private NodeId _leader;
    private Configuration _configuration;

    /// <summary>Ticks since the core was created.</summary>
    private ulong _now;

    /// <summary>Creates a core from the state restored from disk. It starts as a follower.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public RaftCore(RaftOptions options, DurableState restored)
    {
        options.Validate();
        _options = options;
        _self = options.Self;
        _random = new SplitMix64(options.Seed);
        _lastReadId = _random.Next();
        _configurations = new ConfigurationHistory(
            [new ConfigurationAt(restored.ConfigurationIndex, restored.Configuration), .. restored.Configurations]);
        _configuration = _configurations.Current;
        UseConfiguration();
        _membersChanged = false;
        _log = new RaftLog(restored.Compacted ?? restored.Snapshot, restored.TermStarts, restored.Tail, restored.Last);
        _snapshot = restored.Snapshot;
        _term = restored.HardState.Term;
        _votedFor = restored.HardState.VotedFor;
        _repairTerm = restored.HardState.RepairTerm;
        _leaseMilliseconds = restored.HardState.LeaseMilliseconds;
        RestoreLease();
        _commit = _applyingIndex = _applied = restored.Commit;
        for (var index = _commit + 1; index <= _log.LastIndex; index += 1)
            _unappliedBytes += _log.Cached(index).SizeBytes;
        _uncommittedBytes = _unappliedBytes;
        _applyWindow = new InflightWindow(int.MaxValue, options.MaxUncommittedBytes);
        _forwardedProposals = new ForwardedProposals();

        Invariant.That(_log.LastTerm <= _term, "a term is written before its entries");
        Invariant.That(_repairTerm < _term || _repairTerm == Term.Zero, "a node that has lost entries leaves its term");
        Invariant.That(_log.Compacted.Index <= _snapshot.Index && _snapshot.Index <= _commit && _commit <= _log.LastIndex);

        // No leader is known, so the first pre-vote is requested early, after a tenth to a half of an election timeout: if there is a
        // leader, the others receive from it and deny the pre-vote.
        ResetElectionTimer();
        var drawn = Math.Max(0, _electionTimeout - options.ElectionTicks);
        _electionTimeout = GrantedLeaseTicks + Math.Min(_electionTimeout, Math.Max(1, options.ElectionTicks / 10 + drawn * 2 / 5));
    }

    /// <summary>The id of this node.</summary>
    public NodeId Self => _self;

    /// <summary>The current role.</summary>
    public Role Role => _role;

    /// <summary>The newest term the node knows of.</summary>
    public Term Term => _term;

    /// <summary>The node that this node voted for in <see cref="Term"/>, or none.</summary>
    public NodeId VotedFor => _votedFor;

    /// <summary>The leader of <see cref="Term"/>, if known.</summary>
    public NodeId Leader => _leader;

    /// <summary>The configuration in force.</summary>
    public Configuration Configuration => _configuration;

    /// <summary>The last index known to be committed: durable on a quorum, never to change.</summary>
    public LogIndex CommitIndex => _commit;

    /// <summary>The last index applied by this node's state machine.</summary>
    public LogIndex AppliedIndex => _applied;

    /// <summary>The last index of the log.</summary>
    public LogIndex LastIndex => _log.LastIndex;

    /// <summary>The last index on this node's disk.</summary>
    public LogIndex DurableIndex => _log.Durable;

    /// <summary>The last index passed to the state machine.</summary>
    public LogIndex ApplyingIndex => _applyingIndex;

    /// <summary>The last index that is no longer in the log; a snapshot covers it.</summary>
    public LogIndex CompactedIndex => _log.Compacted.Index;

    /// <summary>The last index that the newest snapshot on this node's disk covers.</summary>
    public LogIndex SnapshotIndex => _snapshot.Index;

    /// <summary>The term of the last entry.</summary>
    public Term LastTerm => _log.LastTerm;

    /// <summary>Returns the term of the entry at an index; null where the log has no entry or no longer holds it.</summary>
    public Term? TermAt(LogIndex index) => _log.TermAt(index);

    /// <summary>What a leader knows of each other member, for observers, in id order. Empty unless the node leads.</summary>
    public IEnumerable<FollowerStatus> Followers => _role == Role.Leader ? _followers.Select(f => f.ToStatus(_now)) : [];

    /// <summary>
    /// Processes one input and fills <paramref name="effects"/> with the complete result. This is the only way to change a core.
    /// </summary>
    /// <param name="input">What happened.</param>
    /// <param name="effects">Cleared first; valid until the next step with the same object.</param>
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
            case InputKind.SnapshotSaved:
                OnSnapshotSaved(input.Snapshot, input.Index, effects);
                break;
            case InputKind.SnapshotReceived:
                OnSnapshotReceived(input.Snapshot, input.Configuration, effects);
                break;
            case InputKind.TransferLeadership:
                OnTransferLeadership(input.Peer, input.Number, input.Ticks, effects);
                break;
            case InputKind.StorageHealth:
                OnStorageHealth((StorageHealth)input.Number, effects);
                break;
            case InputKind.TransferSupport:
                OnTransferSupport(input.Number != 0, effects);
                break;
            case InputKind.ProposeClusterVersion:
                OnProposeClusterVersion(input.Payload);
                break;
            case InputKind.Quarantined:
                OnQuarantined();
                break;
            case InputKind.MembershipSupport:
                OnMembershipSupport(input.Number != 0);
                break;
            case InputKind.PeerDirectory:
                OnPeerDirectory(input.Peer, new DirectoryId(input.Number));
                break;
            case InputKind.EndOfIteration:
                OnClock(input.Number);
                OnEndOfIteration(effects);
                break;
            default:
                throw new ArgumentException($"{input.Kind} is not a known input kind", nameof(input));
        }

        if (IsRepairing)
            TryEndRepair(effects);
        CompleteTransfer(effects);
        UpdateMembers(effects);
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
            ContinueConfiguration(effects);
        }

        if (_role == Role.Leader)
        {
            StartReadRound(effects);
            foreach (var follower in _followers)
                Replicate(follower, effects);
            ContinueTransfer(effects);
            MeasureDisks();
        }
        else
        {
            SendForwardedReads(effects);
            SendForwardedProposals(effects);
        }
    }

    private void OnMessage(Message message, Effects effects)
    {
        Invariant.That(message.To == _self, "a message is delivered only to its receiver");
        Invariant.That(message.From != _self);

        if (message.Term > _term && (IsTermTooFarAhead(message, effects) || !TryAdoptTerm(message, effects)))
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
            case TimeoutNow timeoutNow:
                OnTimeoutNow(timeoutNow, effects);
                break;
            default:
                throw new ArgumentException($"{message.GetType().Name} is not a known message type", nameof(message));
        }
    }

    /// <summary>
    /// Sends a message: at once if term and vote are durable, otherwise when they are, unless a message of its kind already waits for that.
    /// </summary>
    private void Send(Message message, NodeId to, Effects effects)
    {
        message.From = _self;
        message.To = to;
        if (_hardStateToken <= _durableToken)
            effects.SendNow.Add(message);
        else if (_heldMessages.TryAdd(message))
            effects.SendWhenDurable.Add(message, _appendToken);
    }

    /// <summary>Sends a message when everything written so far is durable.</summary>
    private void SendWhenDurable(Message message, NodeId to, Effects effects)
    {
        message.From = _self;
        message.To = to;
        if (_appendToken > _durableToken)
            effects.SendWhenDurable.Add(message, _appendToken);
        else
            effects.SendNow.Add(message);
    }

    /// <summary>Returns the first index of the run of entries of one term that contains <paramref name="index"/>.</summary>
    internal LogIndex RunStart(LogIndex index) => _log.RunStart(index);

    /// <summary>The first index whose entry is in memory; one past the end when none is.</summary>
    internal LogIndex CachedFirst => _log.CachedFirst;

    /// <summary>Bytes of the entries in memory; for tests.</summary>
    internal long CachedBytes => _log.CachedBytes;

    /// <summary>
    /// Whether nothing counts towards any limit; for tests. It holds once everything proposed is applied here and all reads are completed,
    /// and for a leader once all followers that are caught up have acknowledged it: a limit that is still used then has leaked.
    /// </summary>
    internal bool IsSettled =>
        _uncommittedBytes == 0 && _unappliedBytes == 0 && _applyWindow is { Count: 0, Bytes: 0 } && _pendingAppends.Count == 0
        && _pendingProposals.Count == 0 && _committedProposals.Count == 0 && _forwardedProposals is { Count: 0, Bytes: 0 }
        && _reads.Count == 0 && _forwardedReads.Count == 0
        && Array.TrueForAll(_followers, f => f.Match < _log.LastIndex || f.Inflight is { Count: 0, Bytes: 0 });

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
