namespace Quorate.Raft;

/// <summary>Durability: what each step writes to the disk, and which appends are durable.</summary>
public sealed partial class RaftCore
{
    private readonly Queue<PendingAppend> _pendingAppends = new();

    /// <summary>The newest append emitted.</summary>
    private ulong _appendToken;

    /// <summary>The newest append that is durable.</summary>
    private ulong _durableToken;

    /// <summary>The newest append that contains term and vote.</summary>
    private ulong _hardStateToken;

    /// <summary>The messages that wait until term and vote are durable.</summary>
    private readonly HeldMessages _heldMessages = new();

    /// <summary>The newest acknowledgement of entries that waits for the disk: the append it waits for, and the index it names.</summary>
    private (ulong Token, LogIndex Index) _heldAcknowledgement;

    /// <summary>The first index this step has written, or null.</summary>
    private LogIndex? _appendedFrom;

    private bool _hardStateChanged;

    /// <summary>The snapshot with which this step has replaced the log, or null.</summary>
    private EntryId? _logResetTo;

    /// <summary>An append that is not yet durable.</summary>
    /// <param name="Token">Its token.</param>
    /// <param name="Last">The end of the log that it makes durable.</param>
    /// <param name="AtTick">The tick at which it was emitted.</param>
    private readonly record struct PendingAppend(ulong Token, LogIndex Last, ulong AtTick);

    /// <summary>The tick at which the oldest append that is not durable was emitted, or null.</summary>
    private ulong? OldestAppendTick => _pendingAppends.TryPeek(out var oldest) ? oldest.AtTick : null;

    private HardState CurrentHardState => new(_term, _votedFor)
    {
        RepairTerm = _repairTerm,
        LeaseMilliseconds = _leaseMilliseconds,
    };

    private void BeginAppend()
    {
        _appendedFrom = null;
        _hardStateChanged = false;
        _logResetTo = null;
    }

    /// <summary>
    /// Allocates the token of this step's append at the step's first write, so that messages sent afterwards can wait for it.
    /// </summary>
    private void EnsureAppendToken()
    {
        if (_appendedFrom is null && !_hardStateChanged && _logResetTo is null)
            _appendToken++;
    }

    private void SetHardState(Term term, NodeId votedFor)
    {
        Invariant.That(term >= _term, "the term never decreases");
        Invariant.That(term > _term || _votedFor == NodeId.None || _votedFor == votedFor, "one vote per term");
        if (term == _term && votedFor == _votedFor)
            return;

        StageHardState();
        if (term > _term)
            _forwardedProposals.Clear();
        _term = term;
        _votedFor = votedFor;
    }

    /// <summary>Adds the hard state, as it is at the end of this step, to the step's append; messages wait for it.</summary>
    private void StageHardState()
    {
        EnsureAppendToken();
        _hardStateChanged = true;
        _hardStateToken = _appendToken;
        _heldMessages.Clear();
    }

    private void AppendToLog(in LogEntry entry)
    {
        EnsureAppendToken();
        _appendedFrom ??= entry.Index;
        _log.Add(entry);
        if (entry.Kind == EntryKind.Configuration)
            OnConfigurationAppended(entry);
        _uncommittedBytes += entry.SizeBytes;
        _unappliedBytes += entry.SizeBytes;
    }

    private void TruncateLog(LogIndex from)
    {
        Invariant.That(from > _commit, "a committed entry is never removed");
        Invariant.That(_appendedFrom is null, "one step truncates before it appends");
        for (var index = from; index <= _log.LastIndex; index += 1)
        {
            _uncommittedBytes -= _log.Cached(index).SizeBytes;
            _unappliedBytes -= _log.Cached(index).SizeBytes;
        }

        _log.TruncateFrom(from);
        OnConfigurationsTruncated(from);

        // Appends in progress contain entries that were just truncated: they make durable only the entries that were kept.
        LimitPendingAppends(_log.LastIndex);
    }

    /// <summary>Replaces the log by a durable snapshot.</summary>
    private void ResetLog(EntryId last)
    {
        Invariant.That(last.Index > _commit, "a snapshot that replaces the log covers the committed entries");
        Invariant.That(_appendedFrom is null, "a step that replaces the log appends nothing");
        EnsureAppendToken();
        _logResetTo = last;
        _log.ResetTo(last);
        LimitPendingAppends(LogIndex.Zero);
        _uncommittedBytes = 0;
        _unappliedBytes = _applyWindow.Bytes;
    }

    private void LimitPendingAppends(LogIndex last)
    {
        for (var i = _pendingAppends.Count; i > 0; i--)
        {
            var pending = _pendingAppends.Dequeue();
            _pendingAppends.Enqueue(pending with { Last = LogIndex.Min(pending.Last, last) });
        }
    }

    private void EndAppend(Effects effects)
    {
        if (_appendedFrom is null && !_hardStateChanged && _logResetTo is null)
            return;

        var entries = _appendedFrom is { } from ? _log.View(from, _log.LastIndex) : default;
        effects.Append = new AppendEffect(_appendToken, _hardStateChanged ? CurrentHardState : null, entries, _commit)
        {
            ResetTo = _logResetTo,
        };
        _pendingAppends.Enqueue(new PendingAppend(_appendToken, _log.LastIndex, _now));
        if (!entries.IsEmpty)
            Trace(TraceKind.Appended, effects, index: _log.LastIndex);
    }

    private void OnDurable(ulong token, Effects effects)
    {
        Invariant.That(token > _durableToken && token <= _appendToken, "an emitted append becomes durable once, in order");
        _durableToken = token;

        var durable = _log.Durable;
        while (_pendingAppends.TryPeek(out var oldest) && oldest.Token <= token)
            durable = LogIndex.Max(durable, _pendingAppends.Dequeue().Last);
        _log.BecameDurable(durable);

        if (_role == Role.Candidate && _voteToken <= token)
            RecordVote(_self, granted: true, effects);
        else if (_role == Role.Leader)
            AdvanceCommit(effects);
    }
}
