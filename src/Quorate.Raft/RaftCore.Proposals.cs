namespace Quorate.Raft;

/// <summary>How a command finds its way into the log, and how its fate is known.</summary>
/// <remarks>
/// A proposal is noted with the term in which it was given to that term's leader, this node or another. Only that leader can make an entry of
/// it, and only in that term: a forwarded one names the term, and any other leader refuses it. So once an entry of a later term is committed,
/// every proposal of an earlier term that is not beneath it is dead, for certain: it is called <see cref="RejectReason.Superseded"/> and may be made
/// again without fear of happening twice.
/// </remarks>
public sealed partial class RaftCore
{
    private readonly Dictionary<ulong, Term> _pendingProposals = [];
    private readonly List<ulong> _superseded = [];

    /// <summary>Of those, what the leader of this term, another node, has been given or is to be given.</summary>
    private readonly ForwardedProposals _forwardedProposals;

    /// <summary>The proposals of one message that is about to leave.</summary>
    private readonly List<Proposal> _forwardBatch = [];

    /// <summary>What this leader has been forwarded in its term: a message may come twice, its proposals must not.</summary>
    private readonly Dictionary<NodeId, ReplayWindow> _replayWindows = [];

    /// <summary>The newest term of which an entry is known to be committed.</summary>
    private Term _committedTerm;

    /// <summary>Bytes of the entries above the commit index: what a slow quorum makes us hold.</summary>
    private long _uncommittedBytes;

    /// <summary>Bytes of the entries above the applied index: how far our own clients are ahead of what they can be answered.</summary>
    private long _unappliedBytes;

    private void OnPropose(ReadOnlySpan<Proposal> proposals, Effects effects)
    {
        foreach (ref readonly var proposal in proposals)
            Invariant.That(proposal.Id.Origin == _self, "a node proposes in its own name");

        if (_role == Role.Leader)
            ProposeAsLeader(proposals, effects);
        else if (_leader != NodeId.None)
            QueueForLeader(proposals, effects);
        else
            RejectAll(proposals, RejectReason.NoLeader, effects);
    }

    private void ProposeAsLeader(ReadOnlySpan<Proposal> proposals, Effects effects)
    {
        foreach (ref readonly var proposal in proposals)
        {
            if (TryAppendProposal(proposal, _unappliedBytes, out var reason))
                Invariant.That(_pendingProposals.TryAdd(proposal.Id.Sequence, _term), "a proposal's number is used once");
            else
                effects.Rejections.Add(new Rejection(proposal.Id, reason));
        }
    }

    /// <param name="proposal">What is to be in the log.</param>
    /// <param name="queuedBytes">
    /// What is in front of it. Our own clients wait until it is applied here, and are refused while that would take too long. Others are answered by their own
    /// member: a leader whose state machine has much to catch up with, newly elected perhaps, is no reason to refuse them.
    /// </param>
    /// <param name="reason">Why it is not taken.</param>
    private bool TryAppendProposal(in Proposal proposal, long queuedBytes, out RejectReason reason)
    {
        var entry = new LogEntry(new EntryId(_term, _log.LastIndex + 1), EntryKind.Command, proposal.Id, proposal.Command);
        reason = proposal.Command.Length > _options.MaxCommandBytes ? RejectReason.TooLarge : RejectReason.Busy;
        if (proposal.Command.Length > _options.MaxCommandBytes)
            return false;

        if (ExceedsCap(queuedBytes, entry.SizeBytes))
            return false;

        AppendToLog(entry);
        return true;
    }

    /// <summary>One proposal is always taken while nothing waits, or a command larger than the cap could never be.</summary>
    private bool ExceedsCap(long queuedBytes, int additionalBytes) => queuedBytes > 0 && queuedBytes + additionalBytes > _options.MaxUncommittedBytes;

    private void QueueForLeader(ReadOnlySpan<Proposal> proposals, Effects effects)
    {
        foreach (ref readonly var proposal in proposals)
        {
            var size = proposal.Command.Length + LogEntry.OverheadBytes;
            if (proposal.Command.Length > _options.MaxCommandBytes)
            {
                effects.Rejections.Add(new Rejection(proposal.Id, RejectReason.TooLarge));
            }
            else if (ExceedsCap(_forwardedProposals.Bytes, size) || ExceedsCap(_unappliedBytes, size) || !_forwardedProposals.IsInWindow(proposal.Id.Sequence))
            {
                effects.Rejections.Add(new Rejection(proposal.Id, RejectReason.Busy));
            }
            else
            {
                Invariant.That(_pendingProposals.TryAdd(proposal.Id.Sequence, _term), "a proposal's number is used once");
                _forwardedProposals.Add(proposal);
            }
        }
    }

    /// <summary>
    /// At the end of a turn, what has gathered leaves in one message. While the term is on its way to the disk, it waits here and not with the messages that are held, which
    /// nothing bounds.
    /// </summary>
    private void SendForwardedProposals(Effects effects)
    {
        while (_forwardedProposals.HasUnsent && _leader != NodeId.None && _hardStateToken <= _durableToken)
        {
            _forwardedProposals.DequeueUnsent(_options.MaxMessageBytes, _forwardBatch);
            if (_forwardBatch.Count == 0)
                break;
            var forward = effects.NewForwardProposals();
            forward.Term = _term;
            forward.Proposals = effects.CopyProposals(_forwardBatch);
            Send(forward, _leader, effects);
        }

        _forwardBatch.Clear();
    }

    /// <summary>Whoever proposed it has stopped waiting: nothing more is done for it. What the leader has of it may be committed all the same.</summary>
    private void OnWithdraw(ulong sequence) => RemovePending(sequence);

    private bool RemovePending(ulong sequence)
    {
        _forwardedProposals.Remove(sequence);
        return _pendingProposals.Remove(sequence);
    }

    private static void RejectAll(ReadOnlySpan<Proposal> proposals, RejectReason reason, Effects effects)
    {
        foreach (ref readonly var proposal in proposals)
            effects.Rejections.Add(new Rejection(proposal.Id, reason));
    }

    private void OnForwardProposals(ForwardProposals forward, Effects effects)
    {
        // A refusal is a promise that they never were in the log. Whoever led that term, and may have taken them when they first came, cannot
        // give it, not even after a restart; it says nothing, and the next term's first entry settles them.
        var isLeader = _role == Role.Leader && forward.Term == _term;
        if (!isLeader && (forward.Term != _term || _votedFor == _self))
            return;

        var proposals = forward.Proposals.Span;
        var runStart = 0;
        RejectReason? reason = null;
        for (var i = 0; i < proposals.Length; i++)
        {
            Invariant.That(proposals[i].Id.Origin == forward.From, "a node proposes in its own name");
            var rejectReason = isLeader ? TryAppendOnce(proposals[i]) : RejectReason.NotLeader;

            // Neighbours that are refused for the same reason are refused in one message.
            if (rejectReason == reason && (reason is null || proposals[i].Id.Sequence == proposals[i - 1].Id.Sequence + 1))
                continue;

            SendRejection(proposals[runStart..i], reason, effects);
            runStart = i;
            reason = rejectReason;
        }

        SendRejection(proposals[runStart..], reason, effects);
    }

    /// <summary>Takes a forwarded proposal, unless it was taken before; null when there is nothing to refuse.</summary>
    private RejectReason? TryAppendOnce(in Proposal proposal)
    {
        if (!_replayWindows.TryGetValue(proposal.Id.Origin, out var window))
            _replayWindows.Add(proposal.Id.Origin, window = new ReplayWindow());
        if (!window.TryRecord(proposal.Id.Sequence))
            return window.WasRejected(proposal.Id.Sequence) ? RejectReason.Busy : null; // The refusal may have been lost.
        if (TryAppendProposal(proposal, _uncommittedBytes, out var reason))
            return null;
        window.RecordRejection(proposal.Id.Sequence);
        return reason;
    }

    private void SendRejection(ReadOnlySpan<Proposal> run, RejectReason? reason, Effects effects)
    {
        if (run.IsEmpty || reason is null)
            return;

        var rejection = effects.NewRejectProposals();
        rejection.Term = _term;
        rejection.FirstSequence = run[0].Id.Sequence;
        rejection.LastSequence = run[^1].Id.Sequence;
        rejection.Reason = reason.Value;
        Send(rejection, run[0].Id.Origin, effects);
    }

    private void OnRejectProposals(RejectProposals rejection, Effects effects)
    {
        // Counted, not compared: the last number of all has none after it. Some may have been withdrawn, but no two that were open together lie further apart than this.
        var span = rejection.LastSequence - rejection.FirstSequence;
        if (span >= ReplayWindow.Size)
            return;

        for (var i = 0UL; i <= span; i++)
        {
            var sequence = rejection.FirstSequence + i;
            if (RemovePending(sequence))
                effects.Rejections.Add(new Rejection(new ProposalId(_self, sequence), rejection.Reason));
        }
    }

    /// <summary>An entry is committed: if it is a proposal of ours, that is settled, and those that it rules out are dead.</summary>
    private void OnEntryCommitted(in LogEntry committed, Effects effects)
    {
        if (committed.Term > _committedTerm)
        {
            _committedTerm = committed.Term;
            RejectSuperseded(effects);
        }

        if (committed.Proposal.Origin == _self)
            RemovePending(committed.Proposal.Sequence);
    }

    private void RejectSuperseded(Effects effects)
    {
        foreach (var (sequence, term) in _pendingProposals)
        {
            if (term < _committedTerm)
                _superseded.Add(sequence);
        }

        // Told in the order they were made, not in that of a hash table: the same inputs give the same effects.
        _superseded.Sort();
        foreach (var sequence in _superseded)
        {
            RemovePending(sequence);
            effects.Rejections.Add(new Rejection(new ProposalId(_self, sequence), RejectReason.Superseded));
        }

        _superseded.Clear();
    }
}
