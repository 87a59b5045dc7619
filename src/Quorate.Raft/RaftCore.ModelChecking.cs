namespace Quorate.Raft;

/// <summary>What a search through all states needs of a core: copies, its state in numbers, and time that passes when the search says so.</summary>
/// <remarks>
/// A core measures time in ticks and draws its patience by chance. In an asynchronous network neither says anything: any message may take longer than any patience. So a search
/// forgets, after each step, how much time has passed, and keeps only what it has brought about; what time can still bring about comes when
/// the search lets it. That is more than can happen in life, where the clocks of one node go together, and never less.
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
        _leader = other._leader;
        _configuration = other._configuration;
        _now = other._now;

        _votes = new(other._votes);
        _voteToken = other._voteToken;
        _electionElapsed = other._electionElapsed;
        _electionTimeout = other._electionTimeout;
        _ticksSinceLeaderContact = other._ticksSinceLeaderContact;
        _failedElections = other._failedElections;

        _followers = [.. other._followers.Select(static follower => follower.Clone())];
        _heartbeatElapsed = other._heartbeatElapsed;
        _termStart = other._termStart;

        _commit = other._commit;
        _applyingIndex = other._applyingIndex;
        _applied = other._applied;
        _applyWindow = other._applyWindow.Clone();
        _isLoadingCommitted = other._isLoadingCommitted;

        _pendingProposals = new(other._pendingProposals);
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
    }

    /// <summary>A core that does from now on what this one would, and of which this one knows nothing.</summary>
    internal RaftCore Clone() => new(this);

    /// <summary>Time since the beginning has had no length; what it has brought about stays.</summary>
    internal void AbstractTime()
    {
        _ticksSinceLeaderContact = HasLeaderContact || _leader == NodeId.None ? 0 : _options.ElectionTicks;
        _now = 0;
        _random = default;
        _heartbeatElapsed = 0;
        _electionElapsed = 0;
        _electionTimeout = _options.ElectionTicks;
        _failedElections = 0;
        foreach (var follower in _followers)
            follower.LastReplyTick = 0;
        for (var i = _pendingAppends.Count; i > 0; i--)
            _pendingAppends.Enqueue(_pendingAppends.Dequeue() with { AtTick = 0 });
    }

    /// <summary>So much time passes that the next tick brings this about.</summary>
    internal void Elapse(TimerKind timer)
    {
        switch (timer)
        {
            case TimerKind.Heartbeat:
                _heartbeatElapsed = _options.HeartbeatTicks - 1;
                _now = (ulong)_heartbeatElapsed;
                break;
            case TimerKind.LeaderTimeout:
                _ticksSinceLeaderContact = _options.ElectionTicks;
                break;
            case TimerKind.ElectionTimeout:
                _ticksSinceLeaderContact = _options.ElectionTicks;
                _electionElapsed = _electionTimeout;
                break;
            case TimerKind.QuorumTimeout:
                _now = (ulong)_options.ElectionTicks;
                break;
        }
    }

    /// <summary>
    /// Writes all that decides what the core will do, time forgotten, and nothing else: two cores that write the same do the same. What is the same in all cores of a search, its options, is left
    /// out, and so is what follows from the rest.
    /// </summary>
    internal void WriteState<TWriter>(in TWriter state)
        where TWriter : IStateWriter
    {
        state.Number((ulong)_role);
        state.Number(_term.Value);
        state.Node(_votedFor);
        state.Node(_leader);
        state.Number(HasLeaderContact ? 1UL : 0);
        foreach (var member in state.Members)
            state.Number((_configuration.Voters.Contains(member) ? 1UL : 0) | (_configuration.Outgoing.Contains(member) ? 2UL : 0) | (_configuration.Learners.Contains(member) ? 4UL : 0));

        _log.WriteState(state);
        state.Number(_commit.Value);
        state.Number(_applyingIndex.Value);
        state.Number(_applied.Value);
        state.Number(_isLoadingCommitted ? 1UL : 0);
        WritePendingAppends(state);
        WriteProposals(state);
        WriteReads(state);
        if (_role == Role.Leader)
            WriteLeaderState(state);
        else if (_role != Role.Follower)
            WriteVotes(state);
    }

    /// <summary>Tokens matter by their order alone, and those that are durable not even by that.</summary>
    private void WritePendingAppends<TWriter>(in TWriter state)
        where TWriter : IStateWriter
    {
        state.Number(_appendToken - _durableToken);
        state.Number(Math.Max(_hardStateToken, _durableToken) - _durableToken);
        foreach (var pending in _pendingAppends)
            state.Number(pending.Last.Value);
    }

    private void WriteVotes<TWriter>(in TWriter state)
        where TWriter : IStateWriter
    {
        foreach (var member in state.Members)
            state.Number(_votes.TryGetValue(member, out var granted) ? granted ? 1UL : 2 : 0);
        state.Number(Math.Max(_voteToken, _durableToken) - _durableToken);
    }

    private void WriteLeaderState<TWriter>(in TWriter state)
        where TWriter : IStateWriter
    {
        state.Number(_termStart.Value);
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
        where TWriter : IStateWriter
    {
        state.Number(_committedTerm.Value);
        state.Number((ulong)_pendingProposals.Count);
        foreach (var (sequence, term) in _pendingProposals.OrderBy(static proposal => proposal.Key))
        {
            state.Number(sequence);
            state.Number(term.Value);
        }

        _forwardedProposals.WriteState(state);
    }

    private void WriteReads<TWriter>(in TWriter state)
        where TWriter : IStateWriter
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
