namespace Quorate.Raft;

/// <summary>Log replication, follower. Source: paper Fig. 2 "AppendEntries RPC, receiver implementation", thesis §3.5.</summary>
public sealed partial class RaftCore
{
    private void OnAppendEntries(AppendEntries append, Effects effects)
    {
        if (append.Term < _term)
        {
            // The request is of a leader of an earlier term: the reply only needs to carry our term. The sender may also lead our term,
            // after a restart that reset its round counter: then an echo of this round, or of this index, would be taken for a reply to a
            // current message.
            Reply(append, accepted: false, LogIndex.Zero, EntryId.Zero, effects);
            return;
        }

        Invariant.That(_role != Role.Leader, "one leader per term");
        if (_role != Role.Follower || _leader != append.From)
            BecomeFollower(_term, append.From, effects);
        _failedElections = 0;
        _ticksSinceLeaderContact = 0;
        _electionElapsed = 0;
        SetQuorumIsShortOfSpace(append.QuorumIsShortOfSpace, effects);

        var previous = append.Previous;
        var entries = append.Entries.Span;
        if (previous.Index < _commit)
        {
            // Entries that are committed here are equal in every leader's log (Leader Completeness). So the part of the message below our
            // commit index carries no information, and our log may no longer hold those entries.
            var known = (int)Math.Min(_commit - previous.Index, entries.Length);
            Invariant.That(
                known == 0 || _log.TermAt(entries[known - 1].Index) is not { } term || term == entries[known - 1].Term,
                "LeaderCompleteness");
            entries = entries[known..];
            if (entries.IsEmpty && previous.Index + known < _commit)
            {
                // A leader that could not know whether this node needs a snapshot resumes after what is committed here, and does not send
                // again what its log still holds of it.
                Reply(append, accepted: true, append.NeedsSnapshot ? _commit : previous.Index + known, EntryId.Zero, effects);
                return;
            }

            previous = new EntryId(_log.TermAt(_commit)!.Value, _commit);
        }

        if (!_log.Has(previous))
        {
            if (append.NeedsSnapshot)
                effects.NeededSnapshot = new NeededSnapshot(append.From, append.Previous);

            // The hint is our last entry that could still be in the leader's log: of no later term than the one the leader expected here.
            // The leader searches its own log from there, so that a diverging term costs one round trip and not one for each entry.
            var hint = _log.FindConflictByTerm(append.Previous.Term, append.Previous.Index);
            Reply(append, accepted: false, append.Previous.Index, hint, effects);
            return;
        }

        AppendNewEntries(entries, effects);

        var matched = previous.Index + entries.Length;
        CommitUpTo(LogIndex.Min(append.LeaderCommit, matched), effects);
        Reply(append, accepted: true, matched, EntryId.Zero, effects);
    }

    /// <summary>
    /// Skips entries the log already has and truncates only at the first entry that differs: a duplicated or reordered message must not
    /// remove entries that a later message brought and that this node has acknowledged since.
    /// </summary>
    private void AppendNewEntries(ReadOnlySpan<LogEntry> entries, Effects effects)
    {
        var existing = 0;
        while (existing < entries.Length && _log.Has(entries[existing].Id))
            existing++;
        if (existing == entries.Length)
            return;

        var first = entries[existing].Index;
        if (first <= _log.LastIndex)
        {
            Trace(TraceKind.Truncated, effects, _leader, first);
            TruncateLog(first);
        }

        foreach (ref readonly var entry in entries[existing..])
        {
            Invariant.That(entry.Term <= _term, "no entry has a later term than its leader");
            AppendToLog(entry);
        }
    }

    private void Reply(AppendEntries append, bool accepted, LogIndex index, EntryId hint, Effects effects)
    {
        var acknowledgesEntries = accepted && !append.Entries.IsEmpty;
        if (acknowledgesEntries && IsAcknowledgementHeld(index))
            return;

        var reply = effects.NewAppendEntriesReply();
        reply.Term = _term;
        reply.Accepted = accepted;
        reply.Index = index;
        reply.Hint = hint;
        reply.IsShortOfSpace = IsShortOfSpace;
        reply.CannotWrite = CannotWrite;
        reply.IsRepairing = IsRepairing;
        reply.Round = append.Term == _term ? append.Round : 0;
        reply.LeaseStamp = append.Term == _term ? GrantLease(append) : 0;

        if (acknowledgesEntries)
        {
            SendWhenDurable(reply, append.From, effects);
        }
        else
        {
            // A heartbeat is acknowledged at once, with the durable part of the log: a read that waits for the round need not wait for a
            // flush.
            if (accepted)
                reply.Index = LogIndex.Min(index, _log.Durable);
            Send(reply, append.From, effects);
        }
    }

    /// <summary>
    /// Whether an acknowledgement of at least this index already waits for the newest append. The leader may send the same entries again
    /// and again while the disk is slow, and an acknowledgement for each would wait without bound.
    /// </summary>
    private bool IsAcknowledgementHeld(LogIndex index)
    {
        if (_appendToken <= _durableToken)
            return false;
        if (_heldAcknowledgement.Token == _appendToken && index <= _heldAcknowledgement.Index)
            return true;
        _heldAcknowledgement = (_appendToken, index);
        return false;
    }
}
