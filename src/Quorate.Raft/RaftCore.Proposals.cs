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
    private readonly Dictionary<ulong, Term> _proposals = [];
    private readonly List<ulong> _dead = [];

    /// <summary>Of those, what the leader of this term, another node, has been given or is to be given.</summary>
    private readonly ForwardedProposals _forwards;

    /// <summary>The proposals of one message that is about to leave.</summary>
    private readonly List<Proposal> _leaving = [];

    /// <summary>What this leader has been forwarded in its term: a message may come twice, its proposals must not.</summary>
    private readonly Dictionary<NodeId, SeenSequences> _forwarded = [];

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
            NoteForLeader(proposals, effects);
        else
            RejectAll(proposals, RejectReason.NoLeader, effects);
    }

    private void ProposeAsLeader(ReadOnlySpan<Proposal> proposals, Effects effects)
    {
        foreach (ref readonly var proposal in proposals)
        {
            if (TryTake(proposal, _unappliedBytes, out var refused))
                Invariant.That(_proposals.TryAdd(proposal.Id.Sequence, _term), "a proposal's number is used once");
            else
                effects.Rejections.Add(new Rejection(proposal.Id, refused));
        }
    }

    /// <param name="proposal">What is to be in the log.</param>
    /// <param name="held">
    /// What is in front of it. Our own clients wait until it is applied here, and are refused while that would take too long. Others are answered by their own
    /// member: a leader whose state machine has much to catch up with, newly elected perhaps, is no reason to refuse them.
    /// </param>
    /// <param name="refused">Why it is not taken.</param>
    private bool TryTake(in Proposal proposal, long held, out RejectReason refused)
    {
        var entry = new LogEntry(new EntryId(_term, _log.LastIndex + 1), EntryKind.Command, proposal.Id, proposal.Command);
        refused = proposal.Command.Length > _options.CommandBytesMax ? RejectReason.TooLarge : RejectReason.Busy;
        if (proposal.Command.Length > _options.CommandBytesMax)
            return false;

        if (IsBeyondCap(held, entry.SizeBytes))
            return false;

        AppendToLog(entry);
        return true;
    }

    /// <summary>One proposal is always taken while nothing waits, or a command larger than the cap could never be.</summary>
    private bool IsBeyondCap(long held, int more) => held > 0 && held + more > _options.UncommittedBytesMax;

    private void NoteForLeader(ReadOnlySpan<Proposal> proposals, Effects effects)
    {
        foreach (ref readonly var proposal in proposals)
        {
            var size = proposal.Command.Length + LogEntry.OverheadBytes;
            if (proposal.Command.Length > _options.CommandBytesMax)
            {
                effects.Rejections.Add(new Rejection(proposal.Id, RejectReason.TooLarge));
            }
            else if (IsBeyondCap(_forwards.Bytes, size) || IsBeyondCap(_unappliedBytes, size) || !_forwards.IsInWindow(proposal.Id.Sequence))
            {
                effects.Rejections.Add(new Rejection(proposal.Id, RejectReason.Busy));
            }
            else
            {
                Invariant.That(_proposals.TryAdd(proposal.Id.Sequence, _term), "a proposal's number is used once");
                _forwards.Add(proposal);
            }
        }
    }

    /// <summary>
    /// At the end of a turn, what has gathered leaves in one message. While the term is on its way to the disk, it waits here and not with the messages that are held, which
    /// nothing bounds.
    /// </summary>
    private void SendForwards(Effects effects)
    {
        while (_forwards.HasToSend && _leader != NodeId.None && _hardStateToken <= _durableToken)
        {
            _forwards.TakeToSend(_options.MessageBytesMax, _leaving);
            if (_leaving.Count == 0)
                break;
            var forward = effects.NewForwardProposals();
            forward.Term = _term;
            forward.Proposals = effects.Keep(_leaving);
            Send(forward, _leader, effects);
        }

        _leaving.Clear();
    }

    /// <summary>Whoever proposed it has stopped waiting: nothing more is done for it. What the leader has of it may be committed all the same.</summary>
    private void OnWithdraw(ulong sequence) => Settle(sequence);

    private bool Settle(ulong sequence)
    {
        _forwards.Remove(sequence);
        return _proposals.Remove(sequence);
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
        var leads = _role == Role.Leader && forward.Term == _term;
        if (!leads && (forward.Term != _term || _votedFor == _self))
            return;

        var proposals = forward.Proposals.Span;
        var refusedFrom = 0;
        RejectReason? reason = null;
        for (var i = 0; i < proposals.Length; i++)
        {
            Invariant.That(proposals[i].Id.Origin == forward.From, "a node proposes in its own name");
            var refused = leads ? TakeOnce(proposals[i]) : RejectReason.NotLeader;

            // Neighbours that are refused for the same reason are refused in one message.
            if (refused == reason && (reason is null || proposals[i].Id.Sequence == proposals[i - 1].Id.Sequence + 1))
                continue;

            Refuse(proposals[refusedFrom..i], reason, effects);
            refusedFrom = i;
            reason = refused;
        }

        Refuse(proposals[refusedFrom..], reason, effects);
    }

    /// <summary>Takes a forwarded proposal, unless it was taken before; null when there is nothing to refuse.</summary>
    private RejectReason? TakeOnce(in Proposal proposal)
    {
        if (!_forwarded.TryGetValue(proposal.Id.Origin, out var seen))
            _forwarded.Add(proposal.Id.Origin, seen = new SeenSequences());
        if (!seen.TryNote(proposal.Id.Sequence))
            return seen.WasRefused(proposal.Id.Sequence) ? RejectReason.Busy : null; // The refusal may have been lost.
        if (TryTake(proposal, _uncommittedBytes, out var refused))
            return null;
        seen.NoteRefused(proposal.Id.Sequence);
        return refused;
    }

    private void Refuse(ReadOnlySpan<Proposal> run, RejectReason? reason, Effects effects)
    {
        if (run.IsEmpty || reason is null)
            return;

        var refusal = effects.NewRefuseProposals();
        refusal.Term = _term;
        refusal.FirstSequence = run[0].Id.Sequence;
        refusal.LastSequence = run[^1].Id.Sequence;
        refusal.Reason = reason.Value;
        Send(refusal, run[0].Id.Origin, effects);
    }

    private void OnRefuseProposals(RefuseProposals refusal, Effects effects)
    {
        // Counted, not compared: the last number of all has none after it. Some may have been withdrawn, but no two that were open together lie further apart than this.
        var more = refusal.LastSequence - refusal.FirstSequence;
        if (more >= SeenSequences.Window)
            return;

        for (var i = 0UL; i <= more; i++)
        {
            var sequence = refusal.FirstSequence + i;
            if (Settle(sequence))
                effects.Rejections.Add(new Rejection(new ProposalId(_self, sequence), refusal.Reason));
        }
    }

    /// <summary>An entry is committed: if it is a proposal of ours, that is settled, and those that it rules out are dead.</summary>
    private void SettleProposals(in LogEntry committed, Effects effects)
    {
        if (committed.Term > _committedTerm)
        {
            _committedTerm = committed.Term;
            DeclareDead(effects);
        }

        if (committed.Proposal.Origin == _self)
            Settle(committed.Proposal.Sequence);
    }

    private void DeclareDead(Effects effects)
    {
        foreach (var (sequence, term) in _proposals)
        {
            if (term < _committedTerm)
                _dead.Add(sequence);
        }

        // Told in the order they were made, not in that of a hash table: the same inputs give the same effects.
        _dead.Sort();
        foreach (var sequence in _dead)
        {
            Settle(sequence);
            effects.Rejections.Add(new Rejection(new ProposalId(_self, sequence), RejectReason.Superseded));
        }

        _dead.Clear();
    }
}
