namespace Quorate.Raft;

/// <summary>Leader election. Source: thesis §3.4; pre-vote §9.6; leader stickiness §4.2.3.</summary>
public sealed partial class RaftCore
{
    private readonly Dictionary<NodeId, bool> _votes = [];

    /// <summary>The append that contains this node's vote for itself.</summary>
    private ulong _voteToken;

    private int _electionElapsed;
    private int _electionTimeout;

    /// <summary>Ticks since the last message from the leader; meaningful only while a leader is known.</summary>
    private int _ticksSinceLeaderContact;

    /// <summary>Elections this node has started since it last knew a leader.</summary>
    private int _failedElections;

    /// <summary>Whether the node received from a leader within the shortest election timeout, or is the leader.</summary>
    private bool HasLeaderContact => _role == Role.Leader || (_leader != NodeId.None && _ticksSinceLeaderContact < _options.ElectionTicks);

    private void OnElectionTick(Effects effects)
    {
        _ticksSinceLeaderContact++;
        _electionElapsed++;
        if (_electionElapsed < _electionTimeout || HasGrantedLease)
            return;

        // Neither a node that is no voter nor one whose disk is stalled or full would be of use as a leader, one that lacks entries must
        // not lead, and one whose state machine is quarantined is the last choice. A candidate whose vote is not yet durable has sent no
        // requests: if it started another election, a disk slower than the election timeout would go through one term after the other and
        // never finish an election.
        var hasSentNoRequests = _role == Role.Candidate && _voteToken > _durableToken;
        if (!IsElectable || CannotWrite || IsRepairing || IsTooEarlyToCampaign || hasSentNoRequests)
        {
            ResetElectionTimer();
            return;
        }

        BecomePreCandidate(effects);
    }

    /// <summary>
    /// Shortens the election timeout: the leader's process is probably gone, so there is no reason to wait for the full timeout.
    /// </summary>
    private void OnPeerLost(NodeId peer, Effects effects)
    {
        if (_role == Role.Leader)
        {
            foreach (var follower in _followers)
            {
                if (follower.Node == peer && follower.State != ReplicationState.Snapshot)
                    follower.OnConnectionLost();
            }

            OnTransferTargetLost(peer, effects);
            return;
        }

        if (peer != _leader || peer == NodeId.None)
            return;

        Trace(TraceKind.LeaderLost, effects, peer);
        _leader = NodeId.None;
        _electionElapsed = 0;

        // All followers notice the closed connection at about the same moment. Each waits for a slot by its rank, a twentieth of an
        // election timeout apart, so that the first is elected before the second requests pre-votes; the small random part only separates
        // equal clocks.
        var slotTicks = Math.Max(1, _options.ElectionTicks / 20);
        _electionTimeout =
            GrantedLeaseTicks + 1 + RankAmongVoters(except: peer) * slotTicks + _random.Next(0, Math.Max(1, slotTicks / 2));
    }

    private int RankAmongVoters(NodeId except)
    {
        var rank = 0;
        foreach (var member in _configuration.Members)
        {
            if (member == _self)
                return rank;
            if (member != except && _configuration.IsVoter(member))
                rank++;
        }

        return rank;
    }

    private void ResetElectionTimer()
    {
        _electionElapsed = 0;
        if (_configuration.Members is [var only] && only == _self)
        {
            // No other node could lead, so there is none to wait for.
            _electionTimeout = 1;
            return;
        }

        // After a split vote an early retry is worthwhile. If votes keep splitting, the timeout grows each time, up to the ordinary one, to
        // allow for slow disks and links (paper §9.3).
        var ticks = _failedElections is 0 or > 3 ? _options.ElectionTicks : Math.Max(1, _options.ElectionTicks * _failedElections / 4);
        _electionTimeout = _random.Next(ticks, 2 * ticks);
    }

    private void RequestVotes(bool preVote, Effects effects, bool isTransfer = false)
    {
        foreach (var member in _configuration.Members)
        {
            if (member == _self || !_configuration.IsVoter(member))
                continue;

            var request = effects.NewRequestVote();
            request.PreVote = preVote;
            request.IsTransfer = isTransfer;
            request.Term = preVote ? _term.Next : _term;
            request.LastEntry = _log.Last;
            if (preVote)
                Send(request, member, effects);
            else
                SendWhenDurable(request, member, effects);
        }
    }

    /// <summary>
    /// Handles RequestVote (receiver implementation, paper Fig. 2). The candidate's configuration decides who may campaign, not the
    /// receiver's, which may be old.
    /// </summary>
    private void OnRequestVote(RequestVote request, Effects effects)
    {
        // A pre-vote promises nothing, but a candidate that wins it with a voter that cannot write its vote begins a term for nothing.
        var mayVote = _votedFor == NodeId.None || _votedFor == request.From;
        var granted = request.PreVote
            ? request.Term > _term && !HasLeaderContact && !HasGrantedLease && !CannotWrite
            : request.Term == _term && mayVote && (request.IsTransfer || !HasGrantedLease);
        granted &= request.LastEntry.IsAtLeastAsUpToDateAs(_log.Last) && !IsRepairing;

        var reply = effects.NewRequestVoteReply();
        reply.PreVote = request.PreVote;
        reply.Granted = granted;
        reply.Term = granted && request.PreVote ? request.Term : _term;

        if (!granted)
        {
            Trace(TraceKind.VoteRefused, effects, request.From);
            Send(reply, request.From, effects);
            return;
        }

        if (request.PreVote)
        {
            Send(reply, request.From, effects);
            return;
        }

        SetHardState(_term, request.From);
        ResetElectionTimer();
        Trace(TraceKind.VoteCast, effects, request.From);
        Send(reply, request.From, effects);
    }

    private void OnRequestVoteReply(RequestVoteReply reply, Effects effects)
    {
        if (reply.PreVote)
        {
            // A granted pre-vote carries the requested term; a denial of this term or an earlier one is counted as a denial.
            if (_role == Role.PreCandidate && (!reply.Granted || reply.Term == _term.Next))
                RecordVote(reply.From, reply.Granted, effects);
        }
        else if (_role == Role.Candidate && reply.Term == _term)
        {
            RecordVote(reply.From, reply.Granted, effects);
        }
    }

    private void RecordVote(NodeId voter, bool granted, Effects effects)
    {
        // The disk of a member that is not bound to a directory may have been replaced since it voted.
        if (!IsCounted(voter))
            return;
        _votes.TryAdd(voter, granted);
        switch (Quorum.Tally(_configuration, _votes))
        {
            case VoteResult.Won when _role == Role.PreCandidate:
                BecomeCandidate(effects);
                break;
            case VoteResult.Won when _role == Role.Candidate && _hardStateToken <= _durableToken:
                BecomeLeader(effects);
                break;
            case VoteResult.Lost:
                BecomeFollower(_term, NodeId.None, effects);
                break;
        }
    }
}
