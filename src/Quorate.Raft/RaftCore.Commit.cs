namespace Quorate.Raft;

/// <summary>
/// Commitment: when an entry is committed, and how it reaches the state machine. Source: paper §5.3, §5.4.2, thesis §3.6.
/// </summary>
public sealed partial class RaftCore
{
    /// <summary>
    /// The maximum number of entries passed to the state machine and not yet applied; their bytes are limited like those of uncommitted
    /// entries.
    /// </summary>
    private const int UnappliedEntriesMax = 65_536;

    private LogIndex _commit;
    private LogIndex _applyingIndex;
    private LogIndex _applied;

    /// <summary>The entries that the state machine is applying.</summary>
    private readonly InflightWindow _applyWindow;

    /// <summary>Whether committed entries that are no longer in memory are being loaded for the state machine.</summary>
    private bool _isLoadingCommitted;

    /// <summary>
    /// The leader's commit rule: an index that is durable on a quorum, in which the leader counts like any other voter, and whose entry is
    /// of the current term. An entry of an earlier term is committed by the one above it, never by counting (paper Fig. 8).
    /// </summary>
    private void AdvanceCommit(Effects effects)
    {
        var reached = new LogIndex(Quorum.Reached(_configuration, new VoterMatchIndexes(this)));
        if (reached > _commit && _log.TermAt(reached) == _term)
            CommitUpTo(reached, effects);
    }

    private void CommitUpTo(LogIndex index, Effects effects)
    {
        Invariant.That(index <= _log.LastIndex);
        if (index <= _commit)
            return;

        for (var i = _commit + 1; i <= index; i += 1)
        {
            ref readonly var entry = ref _log.Cached(i);
            _uncommittedBytes -= entry.SizeBytes;
            OnEntryCommitted(entry, effects);
            _membersChanged |= entry.Kind == EntryKind.Configuration;
        }

        _commit = index;
        Trace(TraceKind.Committed, effects, index: index);
    }

    /// <summary>
    /// Passes committed entries to the state machine, as many as it may have at a time. The rest stays only on disk and is loaded
    /// later, so memory stays bounded while the state machine is stalled. A follower needs this too: it cannot slow down the leader.
    /// </summary>
    private void EmitCommitted(Effects effects)
    {
        var next = _applyingIndex + 1;
        var last = LogIndex.Min(_commit, _applied + UnappliedEntriesMax);
        if (next > last || _applyWindow.IsFull || _isLoadingCommitted || !effects.Apply.IsEmpty)
            return;

        if (next < _log.CachedFirst)
        {
            _isLoadingCommitted = true;
            effects.EntriesRequests.Add(
                new LoadEntriesRequest(_self, next, LogIndex.Min(last, _log.CachedFirst - 1), _options.MaxMessageBytes));
        }
        else
        {
            var entries = _log.ViewUpTo(next, last, _options.MaxUncommittedBytes - _applyWindow.Bytes, out var bytes);
            Emit(entries, bytes, effects);
        }
    }

    private void OnCommittedLoaded(ReadOnlyMemory<LogEntry> entries, Effects effects)
    {
        Invariant.That(_isLoadingCommitted, "entries are loaded only on request");
        _isLoadingCommitted = false;

        // A snapshot may have replaced the requested entries meanwhile.
        if (entries.IsEmpty || entries.Span[0].Index <= _applyingIndex)
            return;

        Invariant.That(
            entries.Span[0].Index == _applyingIndex + 1 && entries.Span[^1].Index <= _commit, "loaded entries are the next committed ones");
        long bytes = 0;
        foreach (ref readonly var entry in entries.Span)
        {
            Invariant.That(_log.Has(entry.Id), "the entry on disk has the term that the log recorded");
            bytes += entry.SizeBytes;
        }

        Emit(entries, bytes, effects);
    }

    private void Emit(ReadOnlyMemory<LogEntry> entries, long bytes, Effects effects)
    {
        effects.Apply = entries;
        _applyingIndex = entries.Span[^1].Index;
        while (_committedProposals.TryPeek(out var oldest) && oldest.Index <= _applyingIndex)
            _committedProposals.Dequeue();
        _applyWindow.Add(_applyingIndex, bytes);
    }

    private void OnApplied(LogIndex index)
    {
        Invariant.That(index > _applied && index <= _applyingIndex, "an emitted entry is applied once");
        _applied = index;
        var before = _applyWindow.Bytes;
        _applyWindow.FreeUpTo(index);
        _unappliedBytes -= before - _applyWindow.Bytes;
    }

    /// <summary>Each voter's last durable index; the leader's own counts when its disk has flushed it, like any other's.</summary>
    private readonly struct VoterMatchIndexes(RaftCore core) : IVoterValues
    {
        public ulong Of(NodeId voter)
        {
            if (!core.IsCounted(voter))
                return 0;
            return (voter == core._self ? core._log.Durable : core.FollowerOf(voter)?.Match ?? LogIndex.Zero).Value;
        }
    }
}
