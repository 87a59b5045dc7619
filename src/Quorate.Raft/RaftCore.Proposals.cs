namespace Quorate.Raft;

/// <summary>Proposals: how a command enters the log, and how its outcome becomes known.</summary>
/// <remarks>
/// A pending proposal is recorded with the term in which it was given to that term's leader, this node or another. Only that leader can
/// append it, and only in that term: a forwarded proposal carries the term, and no other leader appends it. So once an entry of a later
/// term is committed, every pending proposal of an earlier term that is not below that entry can never be committed: it is rejected as
/// <see cref="RejectReason.Superseded"/> and may be retried without the risk of being applied twice.
/// </remarks>
public sealed partial class RaftCore
{
    private readonly Dictionary<ulong, Term> _pendingProposals = [];
    private readonly List<ulong> _superseded = [];

    /// <summary>The pending proposals that were or will be forwarded to another node, the leader of this term.</summary>
    private readonly ForwardedProposals _forwardedProposals;

    /// <summary>The proposals of the message that is being built.</summary>
    private readonly List<Proposal> _forwardBatch = [];

    /// <summary>
    /// Detects duplicates among the proposals forwarded to this leader in its term: a message may arrive twice, and its proposals must be
    /// appended once.
    /// </summary>
    private readonly Dictionary<NodeId, ReplayWindow> _replayWindows = [];

    /// <summary>The proposals of this node that are committed, and that the state machine was not given yet.</summary>
    private readonly Queue<(LogIndex Index, ulong Sequence)> _committedProposals = new();

    /// <summary>The newest term of which an entry is known to be committed.</summary>
    private Term _committedTerm;

    /// <summary>Bytes of the entries above the commit index: the memory that a slow quorum makes the leader hold.</summary>
    private long _uncommittedBytes;

    /// <summary>Bytes of the entries above the applied index: how far this node's own clients are ahead of its state machine.</summary>
    private long _unappliedBytes;

    private void OnPropose(ReadOnlySpan<Proposal> proposals, Effects effects)
    {
        foreach (ref readonly var proposal in proposals)
            Invariant.That(proposal.Id.Origin == _self, "a proposal's origin is the node that proposes it");

        if (_role == Role.Leader)
            ProposeAsLeader(proposals, effects);
        else if (_leader != NodeId.None)
            QueueForLeader(proposals, effects);
        else
            RejectAll(proposals, effects);
    }

    private void OnProposeClusterVersion(ReadOnlyMemory<byte> payload)
    {
        if (_role == Role.Leader && _transferTarget == NodeId.None)
            AppendToLog(new LogEntry(new EntryId(_term, _log.LastIndex + 1), EntryKind.ClusterVersion, ProposalId.None, payload));
    }

    /// <summary>
    /// Whether a proposal must not be appended in this term. One check where it is made is enough: only the leader of the term in which the
    /// proposal becomes pending can append it, and only in that term.
    /// </summary>
    private bool IsForAnotherTerm(in Proposal proposal) => proposal.ExpectedTerm != Term.Zero && proposal.ExpectedTerm != _term;

    /// <summary>
    /// Whether a change of the configuration must not be proposed yet: a leader of an earlier version would take it for a command.
    /// </summary>
    private bool IsUnsupported(in Proposal proposal) => proposal.Kind == EntryKind.Configuration && !_isMembershipSupported;

    private void ProposeAsLeader(ReadOnlySpan<Proposal> proposals, Effects effects)
    {
        foreach (ref readonly var proposal in proposals)
        {
            if (IsForAnotherTerm(proposal))
                effects.Rejections.Add(new ProposalRejection(proposal.Id, RejectReason.TermMismatch));
            else if (IsUnsupported(proposal))
                effects.Rejections.Add(new ProposalRejection(proposal.Id, RejectReason.NotSupported));
            else if (TryAppendProposal(proposal, _unappliedBytes, out var reason))
                Invariant.That(_pendingProposals.TryAdd(proposal.Id.Sequence, _term), "a proposal's sequence is used once");
            else
                effects.Rejections.Add(new ProposalRejection(proposal.Id, reason));
        }
    }

    /// <summary>Appends a proposal, unless it exceeds a limit.</summary>
    /// <param name="proposal">The proposal to append.</param>
    /// <param name="queuedBytes">
    /// The bytes ahead of it. Clients of this node wait until the proposal is applied here, and are rejected while that would take too
    /// long. Other members return the result to their own clients: a leader whose state machine lags behind, for example a newly elected
    /// one, must not reject their proposals.
    /// </param>
    /// <param name="reason">Why the proposal is not appended.</param>
    private bool TryAppendProposal(in Proposal proposal, long queuedBytes, out RejectReason reason)
    {
        if (proposal.Kind == EntryKind.Configuration && _transferTarget == NodeId.None)
            return TryAppendConfiguration(proposal, out reason);
        var entry = new LogEntry(new EntryId(_term, _log.LastIndex + 1), EntryKind.Command, proposal.Id, proposal.Command);
        reason = proposal.Command.Length > _options.MaxCommandBytes ? RejectReason.TooLarge : RejectReason.Busy;
        if (proposal.Command.Length > _options.MaxCommandBytes)
            return false;

        // A driver holds proposals back during a transfer.
        if (_transferTarget != NodeId.None || ExceedsCap(queuedBytes, entry.SizeBytes))
            return false;

        AppendToLog(entry);
        return true;
    }

    /// <summary>
    /// Whether the limit is exceeded. One proposal is always accepted while nothing is queued; otherwise a command larger than the limit
    /// could never be accepted.
    /// </summary>
    private bool ExceedsCap(long queuedBytes, int additionalBytes) =>
        queuedBytes > 0 && queuedBytes + additionalBytes > _options.MaxUncommittedBytes;

    private void QueueForLeader(ReadOnlySpan<Proposal> proposals, Effects effects)
    {
        foreach (ref readonly var proposal in proposals)
        {
            var size = proposal.Command.Length + LogEntry.OverheadBytes;
            if (IsForAnotherTerm(proposal))
            {
                effects.Rejections.Add(new ProposalRejection(proposal.Id, RejectReason.TermMismatch));
            }
            else if (IsUnsupported(proposal))
            {
                effects.Rejections.Add(new ProposalRejection(proposal.Id, RejectReason.NotSupported));
            }
            else if (proposal.Command.Length > _options.MaxCommandBytes)
            {
                effects.Rejections.Add(new ProposalRejection(proposal.Id, RejectReason.TooLarge));
            }
            else if (ExceedsCap(_forwardedProposals.Bytes, size) || ExceedsCap(_unappliedBytes, size)
                || !_forwardedProposals.IsInWindow(proposal.Id.Sequence))
            {
                effects.Rejections.Add(new ProposalRejection(proposal.Id, RejectReason.Busy));
            }
            else
            {
                Invariant.That(_pendingProposals.TryAdd(proposal.Id.Sequence, _term), "a proposal's sequence is used once");
                _forwardedProposals.Add(proposal);
            }
        }
    }

    /// <summary>
    /// Sends accumulated proposals to the leader at the end of an iteration, one message if they fit. While the term is not yet durable,
    /// they wait in this queue and not among the messages held for the disk, which are not bounded.
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

    /// <summary>Removes a proposal whose caller has stopped waiting. If the leader already has it, it may still be committed.</summary>
    private void OnWithdraw(ulong sequence) => RemovePending(sequence);

    private bool RemovePending(ulong sequence)
    {
        _forwardedProposals.Remove(sequence);
        return _pendingProposals.Remove(sequence);
    }

    private void RejectAll(ReadOnlySpan<Proposal> proposals, Effects effects)
    {
        foreach (ref readonly var proposal in proposals)
        {
            var reason = IsForAnotherTerm(proposal) ? RejectReason.TermMismatch : RejectReason.NoLeader;
            effects.Rejections.Add(new ProposalRejection(proposal.Id, reason));
        }
    }

    private void OnForwardProposals(ForwardProposals forward, Effects effects)
    {
        // A rejection states that the proposals never were in the log. A node that led the term may have appended them when they first
        // arrived, and cannot state that, not even after a restart; it sends nothing, and the first committed entry of the next term
        // resolves them.
        var isLeader = _role == Role.Leader && forward.Term == _term;
        if (!isLeader && (forward.Term != _term || _votedFor == _self))
            return;

        // Not rejected: the member sends them again, to this leader if the transfer fails; else the next term's first entry resolves them.
        if (_transferTarget != NodeId.None)
            return;

        var proposals = forward.Proposals.Span;
        var runStart = 0;
        RejectReason? reason = null;
        for (var i = 0; i < proposals.Length; i++)
        {
            Invariant.That(proposals[i].Id.Origin == forward.From, "a proposal's origin is the node that proposes it");
            var rejectReason = isLeader ? TryAppendOnce(proposals[i]) : RejectReason.NotLeader;

            // Adjacent proposals that are rejected for the same reason share one message.
            if (rejectReason == reason && (reason is null || proposals[i].Id.Sequence == proposals[i - 1].Id.Sequence + 1))
                continue;

            SendRejection(proposals[runStart..i], reason, effects);
            runStart = i;
            reason = rejectReason;
        }

        SendRejection(proposals[runStart..], reason, effects);
    }

    /// <summary>Appends a forwarded proposal unless it was appended before. Returns null when there is nothing to reject.</summary>
    private RejectReason? TryAppendOnce(in Proposal proposal)
    {
        if (!_replayWindows.TryGetValue(proposal.Id.Origin, out var window))
            _replayWindows.Add(proposal.Id.Origin, window = new ReplayWindow());
        if (!window.TryRecord(proposal.Id.Sequence))
            return window.WasRejected(proposal.Id.Sequence) ? RejectReason.Busy : null; // The first rejection may have been lost.
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
        // Loop by count, not by comparison: ulong.MaxValue has no successor. Some may have been withdrawn, but sequences that were pending
        // together are never further apart than the window.
        var span = rejection.LastSequence - rejection.FirstSequence;
        if (span >= ReplayWindow.Size)
            return;

        for (var i = 0UL; i <= span; i++)
        {
            var sequence = rejection.FirstSequence + i;
            if (RemovePending(sequence))
                effects.Rejections.Add(new ProposalRejection(new ProposalId(_self, sequence), rejection.Reason));
        }
    }

    /// <summary>
    /// Resolves proposals when an entry is committed: this node's own proposal is removed from the pending ones, and proposals that the
    /// entry supersedes are rejected.
    /// </summary>
    private void OnEntryCommitted(in LogEntry committed, Effects effects)
    {
        if (committed.Term > _committedTerm)
        {
            _committedTerm = committed.Term;
            RejectSuperseded(effects);
        }

        if (committed.Proposal.Origin == _self && RemovePending(committed.Proposal.Sequence))
            _committedProposals.Enqueue((committed.Index, committed.Proposal.Sequence));
    }

    /// <summary>
    /// Resolves the proposals whose entries may be among those that a snapshot replaced: the state machine will not apply those entries
    /// here, so their results are lost.
    /// </summary>
    private void ResolveReplacedProposals(EntryId last, Effects effects)
    {
        while (_committedProposals.TryDequeue(out var committed))
            effects.Indeterminate.Add(new ProposalId(_self, committed.Sequence));

        // In the order of the sequences: the same inputs give the same effects.
        foreach (var (sequence, term) in _pendingProposals)
        {
            if (term <= last.Term)
                _superseded.Add(sequence);
        }

        _superseded.Sort();
        foreach (var sequence in _superseded)
        {
            RemovePending(sequence);
            effects.Indeterminate.Add(new ProposalId(_self, sequence));
        }

        _superseded.Clear();
        if (last.Term > _committedTerm)
            _committedTerm = last.Term;
    }

    private void RejectSuperseded(Effects effects)
    {
        foreach (var (sequence, term) in _pendingProposals)
        {
            if (term < _committedTerm)
                _superseded.Add(sequence);
        }

        // Reject in the order of the sequences, not in that of a hash table: the same inputs give the same effects.
        _superseded.Sort();
        foreach (var sequence in _superseded)
        {
            RemovePending(sequence);
            effects.Rejections.Add(new ProposalRejection(new ProposalId(_self, sequence), RejectReason.Superseded));
        }

        _superseded.Clear();
    }
}
