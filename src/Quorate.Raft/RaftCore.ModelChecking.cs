namespace Quorate.Raft;

/// <summary>Support for the explorer: copies of a core, its state as numbers, and time that elapses when the explorer chooses.</summary>
/// <remarks>
/// A core measures time in ticks and draws its election timeout at random. In an asynchronous network neither carries information: any
/// message may take longer than any timeout. So after each step the explorer abstracts from how much time has passed and keeps only what
/// the time has caused; what time can still cause happens when the explorer elapses a timer. This allows more behaviours than a real node,
/// whose timers share one clock, and never fewer.
/// </remarks>
public sealed partial class RaftCore
{
    private RaftCore(RaftCore other)
    {
        _options = other._options;
        _log = other._log.Clone();
        _self = other._self;
        _random = other._random;
        _role = other._role;
        _term = other._term;
        _votedFor = other._votedFor;
        _repairTerm = other._repairTerm;
        _leader = other._leader;
        _configurations = other._configurations.Clone();
        _configuration = other._configuration;
        _directories = new(other._directories);
        _isMembershipSupported = other._isMembershipSupported;
        _hasOfferedLeadership = other._hasOfferedLeadership;
        _allVotersCount = other._allVotersCount;
        _now = other._now;

        _votes = new(other._votes);
        _voteToken = other._voteToken;
        _clock = other._clock;
        _leaseGrantedUntil = other._leaseGrantedUntil;
        _leaseMilliseconds = other._leaseMilliseconds;
        _timeoutNowIndex = other._timeoutNowIndex;
        _electionElapsed = other._electionElapsed;
        _electionTimeout = other._electionTimeout;
        _ticksSinceLeaderContact = other._ticksSinceLeaderContact;
        _failedElections = other._failedElections;

        _followers = [.. other._followers.Select(static follower => follower.Clone())];
        _heartbeatElapsed = other._heartbeatElapsed;
        _termStart = other._termStart;

        _snapshot = other._snapshot;
        _skippedCompactions = other._skippedCompactions;
        _transferTarget = other._transferTarget;
        _transferDeadline = other._transferDeadline;
        _timeoutNowIsDue = other._timeoutNowIsDue;
        _nextTransferTick = other._nextTransferTick;
        _failedTarget = other._failedTarget;
        _awaitedTransfer = other._awaitedTransfer;
        _leadingSince = other._leadingSince;
        _isTransferSupported = other._isTransferSupported;
        _storageHealth = other._storageHealth;
        _isQuarantined = other._isQuarantined;
        _measured = other._measured;
        _measuredLast = other._measuredLast;
        _firstAcknowledgement = other._firstAcknowledgement;
        _slowMeasurements = other._slowMeasurements;
        _slowSince = other._slowSince;

        _commit = other._commit;
        _applyingIndex = other._applyingIndex;
        _applied = other._applied;
        _applyWindow = other._applyWindow.Clone();
        _isLoadingCommitted = other._isLoadingCommitted;

        _pendingProposals = new(other._pendingProposals);
        _committedProposals = new(other._committedProposals);
        _forwardedProposals = other._forwardedProposals.Clone();
        foreach (var (origin, window) in other._replayWindows)
            _replayWindows.Add(origin, window.Clone());
        _committedTerm = other._committedTerm;
        _uncommittedBytes = other._uncommittedBytes;
        _unappliedBytes = other._unappliedBytes;

        _reads.AddRange(other._reads);
        _forwardedReads.AddRange(other._forwardedReads);
        _lastReadId = other._lastReadId;
        _round = other._round;
        _confirmedRound = other._confirmedRound;

        _pendingAppends = new(other._pendingAppends);
        _appendToken = other._appendToken;
        _durableToken = other._durableToken;
        _hardStateToken = other._hardStateToken;
        _heldMessages.CopyFrom(other._heldMessages);
        _heldAcknowledgement = other._heldAcknowledgement;
    }

    /// <summary>The number of this node's proposals whose outcome is not known yet.</summary>
    internal int PendingProposalCount => _pendingProposals.Count;

    /// <summary>Returns an independent copy that behaves as this core would.</summary>
    internal RaftCore Clone() => new(this);

    /// <summary>
    /// Keeps the configuration as it is, as <see cref="Input.MembershipSupport"/> does, without a step: the effects of the first step of a
    /// process belong to its driver.
    /// </summary>
    internal void FixMembers() => _isMembershipSupported = false;

    /// <summary>Removes elapsed time from the state; effects that time has already had stay.</summary>
    internal void AbstractTime()
    {
        _ticksSinceLeaderContact = HasLeaderContact || _leader == NodeId.None ? 0 : _options.ElectionTicks;
        _leaseGrantedUntil = HasGrantedLease ? 1UL : 0;
        _now = 0;
        _random = default;
        _heartbeatElapsed = 0;
        _electionElapsed = 0;
        _electionTimeout = _options.ElectionTicks;
        _failedElections = 0;
        _transferDeadline = (ulong)_options.ElectionTicks;
        _nextTransferTick = 0;
        _awaitedTransfer = _awaitedTransfer with { Deadline = _transferDeadline };
        StartMeasuring();
        foreach (var follower in _followers)
        {
            (follower.LastReplyTick, follower.RemovedTick) = (0, 0);
            follower.CaughtUpSince = follower.CaughtUpSince is null ? null : 0;
        }

        for (var i = _pendingAppends.Count; i > 0; i--)
            _pendingAppends.Enqueue(_pendingAppends.Dequeue() with { AtTick = 0 });
    }

    /// <summary>Advances time so far that the next tick fires this timer.</summary>
    internal void Elapse(TimerKind timer)
    {
        switch (timer)
        {
            case TimerKind.Heartbeat:
                _heartbeatElapsed = _options.HeartbeatTicks - 1;
                _now = (ulong)_heartbeatElapsed;
                break;
            // No lease is longer than an election timeout.
            case TimerKind.LeaderTimeout:
                _ticksSinceLeaderContact = _options.ElectionTicks;
                _leaseGrantedUntil = 0;
                break;
            case TimerKind.ElectionTimeout:
                _ticksSinceLeaderContact = _options.ElectionTicks;
                _leaseGrantedUntil = 0;
                _electionElapsed = _electionTimeout;
                break;
            case TimerKind.QuorumTimeout:
                _now = (ulong)_options.ElectionTicks;
                break;
        }
    }

    /// <summary>
    /// Writes exactly the state that determines the future behaviour of the core, without elapsed time: two cores that write the same state
    /// behave the same. Options, which are equal in all cores of a search, are omitted, and so is state that follows from the rest.
    /// </summary>
    internal void WriteState<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number((ulong)_role);
        state.Number(_term.Value);
        state.Node(_votedFor);
        state.Number(_repairTerm.Value);
        state.Node(_leader);
        state.Number((HasLeaderContact ? 1UL : 0) | (HasGrantedLease ? 2UL : 0) | ((ulong)_leaseMilliseconds << 2));
        state.Number((ulong)_storageHealth);
        state.Number(_isQuarantined ? 1UL : 0);
        WriteConfigurations(state);

        _log.WriteState(state);
        state.Number(_snapshot.Index.Value);
        state.Number((ulong)_skippedCompactions);
        state.Number(_commit.Value);
        state.Number(_applyingIndex.Value);
        state.Number(_applied.Value);
        state.Number(_isLoadingCommitted ? 1UL : 0);
        WritePendingAppends(state);
        WriteProposals(state);
        WriteReads(state);
        state.Number(_awaitedTransfer.Ticket);
        if (_awaitedTransfer.Ticket != 0)
        {
            state.Node(_awaitedTransfer.Target);
            state.Number(_awaitedTransfer.Term.Value);
        }

        if (_role == Role.Leader)
            WriteLeaderState(state);
        else if (_role != Role.Follower)
            WriteVotes(state);
    }

    private void WriteConfigurations<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number((ulong)_configurations.All.Count);
        foreach (var (index, configuration) in _configurations.All)
        {
            state.Number(index.Value);
            foreach (var member in state.Members)
            {
                state.Number(
                    (configuration.Voters.Contains(member) ? 1UL : 0)
                    | (configuration.Outgoing.Contains(member) ? 2UL : 0)
                    | (configuration.Learners.Contains(member) ? 4UL : 0)
                    | (configuration.Find(member) is { IsInitial: true } ? 8UL : 0)
                    | (configuration.Find(member) is { PromoteWhenReady: true } ? 16UL : 0));
                state.Number(configuration.Find(member)?.Directory.Value ?? 0);
            }
        }

        foreach (var member in state.Members)
            state.Number(_directories.GetValueOrDefault(member).Value);
    }

    /// <summary>
    /// Writes the pending appends. Only the order of tokens matters, so tokens are written relative to the newest durable one.
    /// </summary>
    private void WritePendingAppends<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number(_appendToken - _durableToken);
        state.Number(Math.Max(_hardStateToken, _durableToken) - _durableToken);
        foreach (var pending in _pendingAppends)
            state.Number(pending.Last.Value);

        // Both matter only until the disk has completed the append that the messages wait for.
        if (_hardStateToken > _durableToken)
            _heldMessages.WriteState(state);
        if (_appendToken > _durableToken)
            state.Number(_heldAcknowledgement.Token == _appendToken ? _heldAcknowledgement.Index.Value : 0);
    }

    private void WriteVotes<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        foreach (var member in state.Members)
            state.Number(_votes.TryGetValue(member, out var granted) ? granted ? 1UL : 2 : 0);
        state.Number(Math.Max(_voteToken, _durableToken) - _durableToken);
    }

    private void WriteLeaderState<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number(_termStart.Value);
        state.Node(_transferTarget);
        state.Node(_failedTarget);
        state.Number(_hasOfferedLeadership ? 1UL : 0);
        state.Number(_timeoutNowIsDue && _transferTarget != NodeId.None ? 1UL : 0);
        if (_options.LeaseDuration > TimeSpan.Zero)
        {
            state.Number(_clock);
            state.Number(_timeoutNowIndex.Value);
            foreach (var follower in _followers)
                state.Number(follower.LeaseStamp);
        }

        foreach (var member in state.Members)
        {
            FollowerOf(member)?.WriteState(state);
            if (_replayWindows.TryGetValue(member, out var window))
                window.WriteState(state);
            else
                state.Number(0);
        }
    }

    private void WriteProposals<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number(_committedTerm.Value);
        state.Number((ulong)_pendingProposals.Count);
        foreach (var (sequence, term) in _pendingProposals.OrderBy(static proposal => proposal.Key))
        {
            state.Number(sequence);
            state.Number(term.Value);
        }

        state.Number((ulong)_committedProposals.Count);
        foreach (var (_, sequence) in _committedProposals)
            state.Number(sequence);
        _forwardedProposals.WriteState(state);
    }

    private void WriteReads<TWriter>(in TWriter state)
        where TWriter : IModelStateWriter
    {
        state.Number(_lastReadId);
        state.Number(_round);
        state.Number(_confirmedRound);
        state.Number((ulong)_reads.Count);
        foreach (var read in _reads)
        {
            state.Node(read.From);
            state.Number(read.Number);
            state.Number(read.Round);
            state.Number(read.Index.Value);
        }

        state.Number((ulong)_forwardedReads.Count);
        foreach (var read in _forwardedReads)
        {
            state.Number(read.ReadId);
            state.Number(read.Ticket);
            state.Number(read.IsSent ? 1UL : 0);
        }
    }
}
