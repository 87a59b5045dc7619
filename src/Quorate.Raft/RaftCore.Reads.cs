namespace Quorate.Raft;

/// <summary>Linearizable reads without a log entry. Source: thesis §6.4 (ReadIndex).</summary>
/// <remarks>
/// The leader records its commit index, confirms in one round of messages to a quorum that it still leads, and then grants all reads that
/// arrived before the round began. The leader numbers rounds, never twice in a term, and a reply counts only in the term in which the
/// request was sent: no reply of an earlier round, however late, can grant a read. One round is in flight at a time, and every read that
/// arrives meanwhile shares the next. A follower sends its reads to the leader under its own ids, which it never reuses, not even after a
/// restart.
/// </remarks>
public sealed partial class RaftCore
{
    /// <summary>Reads that this node must complete as leader, oldest first: its own, and those of other members.</summary>
    private readonly List<PendingReadIndex> _reads = [];

    /// <summary>Reads of this node that another leader must grant.</summary>
    private readonly List<ForwardedRead> _forwardedReads = [];

    private ulong _lastReadId;

    /// <summary>The newest round that has begun.</summary>
    private ulong _round;

    /// <summary>The newest round that a quorum has acknowledged.</summary>
    private ulong _confirmedRound;

    /// <summary>A read that waits for a round.</summary>
    /// <param name="From">The node that requested the read: this node or another.</param>
    /// <param name="Number">This node's ticket, or the other node's read id.</param>
    /// <param name="Round">The round it waits for; 0 while it waits for a round to begin.</param>
    /// <param name="Index">The commit index when that round began.</param>
    private readonly record struct PendingReadIndex(NodeId From, ulong Number, ulong Round, LogIndex Index);

    /// <summary>A read that another leader must grant.</summary>
    /// <param name="ReadId">The id of the request it belongs to; 0 until it is assigned.</param>
    /// <param name="Ticket">The driver's number for the read.</param>
    /// <param name="IsSent">Whether the request was sent and may still be in flight.</param>
    private readonly record struct ForwardedRead(ulong ReadId, ulong Ticket, bool IsSent);

    private void OnRead(ulong ticket, Effects effects)
    {
        if (_reads.Count + _forwardedReads.Count >= _options.MaxPendingReads)
            effects.ReadResults.Add(new ReadIndexResult(ticket, LogIndex.Zero, RejectReason.Busy));
        else if (_role == Role.Leader)
            _reads.Add(new PendingReadIndex(_self, ticket, 0, LogIndex.Zero));
        else
            _forwardedReads.Add(new ForwardedRead(0, ticket, IsSent: false));
    }

    private void OnReadIndexRequest(ReadIndexRequest request, Effects effects)
    {
        if (_role == Role.Leader && _reads.Count < _options.MaxPendingReads)
            _reads.Add(new PendingReadIndex(request.From, request.ReadId, 0, LogIndex.Zero));
        else
            CompleteRead(request.From, request.ReadId, granted: false, LogIndex.Zero, effects);
    }

    private void StartReads()
    {
        // Round numbers continue from one leadership to the next; all earlier acknowledgements belong to another term.
        _confirmedRound = _round;
        foreach (var read in _forwardedReads)
            _reads.Add(new PendingReadIndex(_self, read.Ticket, 0, LogIndex.Zero));
        _forwardedReads.Clear();
    }

    private void StopReads()
    {
        // This node's own reads go to the next leader; other nodes retry theirs.
        foreach (var read in _reads)
        {
            if (read.From == _self)
                _forwardedReads.Add(new ForwardedRead(0, read.Number, IsSent: false));
        }

        _reads.Clear();
    }

    /// <summary>Begins a round for all waiting reads, unless a round is in flight or no entry of this term is committed yet.</summary>
    private void StartReadRound(Effects effects)
    {
        if (_reads.Count == 0 || _confirmedRound < _round || _commit < _termStart || _reads[^1].Round != 0)
            return;

        // A new leader holds every committed entry but does not know which they are until an entry of its term is committed (§6.4 step 1).
        Invariant.That(_log.TermAt(_commit) == _term, "a read is granted only after an entry of this term is committed");
        _round++;
        for (var i = 0; i < _reads.Count; i++)
        {
            if (_reads[i].Round == 0)
                _reads[i] = _reads[i] with { Round = _round, Index = _commit };
        }

        ConfirmReads(effects);
    }

    private void ConfirmReads(Effects effects)
    {
        if (_role != Role.Leader || _confirmedRound == _round)
            return;

        _confirmedRound = Math.Max(_confirmedRound, Quorum.Reached(_configuration, new VoterAcknowledgedRounds(this)));
        var done = 0;
        while (done < _reads.Count && _reads[done].Round != 0 && _reads[done].Round <= _confirmedRound)
        {
            var read = _reads[done++];
            CompleteRead(read.From, read.Number, granted: true, read.Index, effects);
        }

        if (done > 0)
            Trace(TraceKind.ReadConfirmed, effects, index: _reads[done - 1].Index);
        _reads.RemoveRange(0, done);
    }

    private void CompleteRead(NodeId to, ulong number, bool granted, LogIndex index, Effects effects)
    {
        if (to == _self)
        {
            effects.ReadResults.Add(new ReadIndexResult(number, index, granted ? null : RejectReason.NotLeader));
            return;
        }

        var reply = effects.NewReadIndexReply();
        reply.Term = _term;
        reply.ReadId = number;
        reply.Granted = granted;
        reply.Index = index;
        Send(reply, to, effects);
    }

    /// <summary>Sends the waiting reads to the leader; reads of one iteration share one request.</summary>
    private void SendForwardedReads(Effects effects)
    {
        // Messages held until the term is durable are not bounded, so no request is sent before.
        if (_leader == NodeId.None || _hardStateToken > _durableToken)
            return;

        ulong newReadId = 0;
        ulong sentReadId = 0;
        for (var i = 0; i < _forwardedReads.Count; i++)
        {
            var read = _forwardedReads[i];
            if (read.IsSent)
                continue;

            if (read.ReadId == 0)
                read = read with { ReadId = newReadId == 0 ? newReadId = ++_lastReadId : newReadId };
            _forwardedReads[i] = read with { IsSent = true };

            // Reads of one request are adjacent in the list.
            if (read.ReadId == sentReadId)
                continue;
            sentReadId = read.ReadId;
            var request = effects.NewReadIndexRequest();
            request.Term = _term;
            request.ReadId = sentReadId;
            Send(request, _leader, effects);
        }
    }

    /// <summary>
    /// Marks all forwarded reads for resending: the request or its reply may have been lost. A request may be resent under the same id:
    /// whichever reply arrives, it was granted after the read began, which is all a read needs.
    /// </summary>
    private void RetryForwardedReads()
    {
        for (var i = 0; i < _forwardedReads.Count; i++)
            _forwardedReads[i] = _forwardedReads[i] with { IsSent = false };
    }

    private void OnReadIndexReply(ReadIndexReply reply, Effects effects)
    {
        if (!reply.Granted || reply.ReadId == 0)
            return;

        var first = 0;
        while (first < _forwardedReads.Count && _forwardedReads[first].ReadId != reply.ReadId)
            first++;
        var end = first;
        for (; end < _forwardedReads.Count && _forwardedReads[end].ReadId == reply.ReadId; end++)
            effects.ReadResults.Add(new ReadIndexResult(_forwardedReads[end].Ticket, reply.Index, RejectReason: null));
        _forwardedReads.RemoveRange(first, end - first);
    }

    /// <summary>The last round each voter has acknowledged; the leader acknowledges its own round at once.</summary>
    private readonly struct VoterAcknowledgedRounds(RaftCore core) : IVoterValues
    {
        public ulong Of(NodeId voter)
        {
            if (!core.IsCounted(voter))
                return 0;
            return voter == core._self ? core._round : core.FollowerOf(voter)?.RoundAcknowledged ?? 0;
        }
    }
}
