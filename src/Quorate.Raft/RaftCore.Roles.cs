namespace Quorate.Raft;

/// <summary>Role changes. A role changes here and nowhere else.</summary>
/// <remarks>Diagram: docs/protocol/election.md. Source: paper Fig. 4; the pre-candidate, thesis §9.6.</remarks>
public sealed partial class RaftCore
{
    /// <summary>Any role → follower, in this term or a later one.</summary>
    private void BecomeFollower(Term term, NodeId leader, Effects effects)
    {
        Invariant.That(term >= _term);
        Invariant.That(term > _term || _role != Role.Leader || leader == NodeId.None, "one leader per term");

        var before = (_role, _term, _leader);
        SetHardState(term, term == _term ? _votedFor : NodeId.None);
        if (_role == Role.Leader)
            StopLeading();
        _role = Role.Follower;
        _leader = leader;
        _votes.Clear();
        if (leader != NodeId.None)
            _failedElections = 0;
        ResetElectionTimer();
        if (before != (_role, _term, _leader))
            Trace(TraceKind.BecameFollower, effects, leader);
        if (leader != before._leader)
            RetryForwardedReads();
    }

    /// <summary>Follower or candidate → pre-candidate: requests votes in the next term without entering it.</summary>
    private void BecomePreCandidate(Effects effects)
    {
        Invariant.That(_role != Role.Leader);
        Invariant.That(!HasGrantedLease, "a node that has granted a lease does not campaign");

        _role = Role.PreCandidate;
        _leader = NodeId.None;
        _votes.Clear();

        // A repeated pre-vote costs little, so the retry comes much sooner than that of an election: a voter may notice only a moment later
        // that the leader is gone.
        _electionElapsed = 0;
        _electionTimeout = _random.Next(Math.Max(1, _options.ElectionTicks / 10), Math.Max(2, _options.ElectionTicks / 5));
        Trace(TraceKind.BecamePreCandidate, effects);

        // A pre-vote commits this node to nothing, so nothing has to be durable first.
        RecordVote(_self, granted: true, effects);
        if (_role == Role.PreCandidate)
            RequestVotes(preVote: true, effects);
    }

    /// <summary>
    /// Pre-candidate, or follower to which leadership is transferred → candidate: enters a new term and votes for itself.
    /// </summary>
    private void BecomeCandidate(Effects effects, bool isTransfer = false)
    {
        Invariant.That(_role == (isTransfer ? Role.Follower : Role.PreCandidate), "a candidate has won a pre-vote, or leadership is its");

        _role = Role.Candidate;
        _leader = NodeId.None;
        SetHardState(_term.Next, _self);
        _voteToken = _hardStateToken;
        _votes.Clear();
        _failedElections++;
        ResetElectionTimer();
        Trace(TraceKind.BecameCandidate, effects);

        // The node's own vote counts when it is durable, like any other (RaftCore.Durability, OnDurable).
        RequestVotes(preVote: false, effects, isTransfer);
    }

    /// <summary>Candidate → leader: a quorum of the current configuration granted this term's vote.</summary>
    /// <remarks>Source: thesis §3.4 (winning), §3.5 (nextIndex), §6.4 (the no-op that enables reads).</remarks>
    private void BecomeLeader(Effects effects)
    {
        Invariant.That(_role == Role.Candidate, "a leader has won an election");
        Invariant.That(_hardStateToken <= _durableToken, "its own vote is durable");

        _role = Role.Leader;
        _leader = _self;
        _failedElections = 0;
        StartLeading();
        Trace(TraceKind.BecameLeader, effects);

        // Counting replicas never commits an entry of an earlier term (§3.6.2), so a new leader appends an empty entry of its term at once:
        // when that entry is committed, everything below it is committed too.
        AppendToLog(LogEntry.NoOp(_term, _log.LastIndex + 1));

        Invariant.That(_log.LastTerm == _term);
    }

    /// <summary>Whether the term of a message cannot come from elections; such a message is ignored, whatever it is.</summary>
    private bool IsTermTooFarAhead(Message message, Effects effects)
    {
        if (message.Term.Value - _term.Value <= TermsAheadMax)
            return false;
        effects.Trace.Add(new TraceEvent(TraceKind.TermRejected, message.Term, message.From, LogIndex.Zero));
        return true;
    }

    /// <summary>
    /// Handles a message of a later term: enters that term, unless the message must not change it. Returns false when the message is to be
    /// ignored.
    /// </summary>
    private bool TryAdoptTerm(Message message, Effects effects)
    {
        switch (message)
        {
            case RequestVote { PreVote: true }:
            case RequestVoteReply { PreVote: true, Granted: true }:
                // Both carry the term that would be entered; the sender is not in it yet.
                return true;

            case RequestVote { IsTransfer: false } when HasLeaderContact || HasGrantedLease:
                // A node with a leader ignores candidates (thesis §4.2.3): a member that was removed or partitioned would otherwise depose
                // a leader that all others follow. A node that has granted a lease must. A leader that transfers its leadership wants to
                // be deposed.
                Trace(TraceKind.VoteRefused, effects, message.From);
                return false;

            case AppendEntries:
                BecomeFollower(message.Term, message.From, effects);
                return true;

            default:
                BecomeFollower(message.Term, NodeId.None, effects);
                return true;
        }
    }
}
