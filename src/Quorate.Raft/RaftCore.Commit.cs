namespace Quorate.Raft;

/// <summary>When an entry is committed, and how it reaches the state machine. Source: paper §5.3, §5.4.2, thesis §3.6.</summary>
public sealed partial class RaftCore
{
    /// <summary>The most entries that may be handed out and not yet applied: what the state machine lags behind is bounded.</summary>
    private const int UnappliedEntriesMax = 65_536;

    private LogIndex _commit;
    private LogIndex _handedOut;
    private LogIndex _applied;

    /// <summary>
    /// The leader's commit rule: an index that is durable on a quorum, itself included like any other, and whose entry is of the current
    /// term. An entry of an earlier term is committed by the one above it, never by counting (paper Fig. 8).
    /// </summary>
    private void AdvanceCommit(Effects effects)
    {
        var reached = new LogIndex(Quorum.Reached(_configuration, new MatchOf(this)));
        if (reached > _commit && _log.TermAt(reached) == _term)
            CommitUpTo(reached, effects);
    }

    private void CommitUpTo(LogIndex index, Effects effects)
    {
        Invariant.That(index <= _log.LastIndex);
        if (index <= _commit)
            return;

        SettleProposals(_commit + 1, index, effects);
        _commit = index;
        Trace(TraceKind.Committed, effects, index: index);
    }

    private void HandOutCommitted(Effects effects)
    {
        var to = LogIndex.Min(_commit, _applied + UnappliedEntriesMax);
        if (to <= _handedOut)
            return;

        effects.Apply = _log.View(_handedOut + 1, to);
        _handedOut = to;
    }

    private void OnApplied(LogIndex index)
    {
        Invariant.That(index > _applied && index <= _handedOut, "what is applied was handed out, once");
        for (var i = _applied + 1; i <= index; i += 1)
            _unappliedBytes -= _log.Cached(i).SizeBytes;
        _applied = index;
        _log.Release(index, _options.CachedBytesMax);
    }

    /// <summary>How far each voter's disk reaches; the leader's own counts through its disk like any other's.</summary>
    private readonly struct MatchOf(RaftCore core) : IVoterValues
    {
        public ulong Of(NodeId voter) => (voter == core._self ? core._log.Durable : core.FollowerOf(voter)?.Match ?? LogIndex.Zero).Value;
    }
}
