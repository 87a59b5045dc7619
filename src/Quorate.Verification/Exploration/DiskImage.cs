using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>
/// What a member's disk contains after a power cut: term and vote, the log, the commit index that was written along with the entries, and
/// the newest snapshot.
/// </summary>
/// <param name="HardState">Term and vote.</param>
/// <param name="Base">The last entry before the first one of the log.</param>
/// <param name="Entries">The log.</param>
/// <param name="Commit">The commit index that was written with the log.</param>
/// <param name="Snapshot">The last entry that the snapshot covers; zero if there is none.</param>
internal sealed record DiskImage(HardState HardState, EntryId Base, LogEntry[] Entries, LogIndex Commit, EntryId Snapshot)
{
    public static DiskImage Blank => new(default, EntryId.Zero, [], LogIndex.Zero, EntryId.Zero);

    public LogIndex LastIndex => Base.Index + Entries.Length;

    /// <summary>Whether the log contains the last entry of the snapshot, or begins behind it.</summary>
    private bool ContinuesSnapshot => Snapshot.Index == LogIndex.Zero || Snapshot == Base || TermAt(Snapshot.Index) == Snapshot.Term;

    /// <summary>
    /// Returns whether the log or the snapshot has this entry. If the log conflicts with the snapshot, a start would replace the log.
    /// </summary>
    public bool Holds(Term term, LogIndex index) => index <= Snapshot.Index || (ContinuesSnapshot && TermAt(index) == term);

    /// <summary>Returns the image after the hard states of some appends, and the entries of the first of those, were flushed.</summary>
    /// <remarks>
    /// The write-ahead log writes term and vote before any entry of the same batch (WriteAheadLog.AppendAndFlush), so the flushed entries
    /// are never ahead of the flushed hard states.
    /// </remarks>
    public DiskImage With(ReadOnlySpan<UnflushedAppend> hardStates, int entries)
    {
        var image = this;
        foreach (var append in hardStates)
            image = image with { HardState = append.HardState ?? image.HardState };
        foreach (var append in hardStates[..entries])
            image = image.With(append);
        return image;
    }

    /// <summary>Returns the image after the log has dropped the entries up to <paramref name="index"/>.</summary>
    public DiskImage CompactedTo(LogIndex index)
    {
        Invariant.That(index > Base.Index && index <= LastIndex && index <= Snapshot.Index, "only entries of the snapshot are dropped");
        return this with { Base = new EntryId(TermAt(index), index), Entries = Entries[(int)(index - Base.Index)..] };
    }

    /// <summary>
    /// Returns the image from which a member starts: a log that lacks the last entry of the snapshot, or has another one there, is replaced
    /// (StartupRecovery). The term of the snapshot may not have been saved either; no vote was given in it.
    /// </summary>
    public DiskImage Recovered()
    {
        Invariant.That(Base.Index <= Snapshot.Index, "a snapshot covers the entries that the log has dropped");
        if (ContinuesSnapshot)
            return this with { Commit = LogIndex.Max(Commit, Snapshot.Index) };
        var hardState = Snapshot.Term > HardState.Term ? HardState.InTerm(Snapshot.Term) : HardState;
        return new DiskImage(hardState, Snapshot, [], Snapshot.Index, Snapshot);
    }

    /// <summary>
    /// Returns the image from which a member starts whose log was corrupt: it is empty behind the snapshot, and term and vote say so
    /// (DirectoryRepair).
    /// </summary>
    public DiskImage WithoutLog(bool losesSnapshot)
    {
        var snapshot = losesSnapshot ? EntryId.Zero : Snapshot;
        var hardState = Snapshot.Term > HardState.Term ? HardState.InTerm(Snapshot.Term) : HardState;
        return new DiskImage(hardState.AfterLoss(), snapshot, [], snapshot.Index, snapshot);
    }

    /// <summary>The durable state from which a core starts on this disk, which was recovered.</summary>
    public DurableState Restore(Configuration configuration)
    {
        var committed = (int)(Commit - Base.Index);
        EntryId[] termStarts = [.. Entries.Where((entry, i) => i == 0 || entry.Term != Entries[i - 1].Term).Select(static e => e.Id)];
        return new DurableState
        {
            HardState = HardState,
            Configuration = configuration,
            Snapshot = Snapshot,
            Compacted = CompactedEntry(),
            TermStarts = [.. termStarts.Where(start => start.Index <= Commit)],
            Commit = Commit,
            Tail = Entries[committed..],
            Last = Entries.Length == 0 ? Base : Entries[^1].Id,
        };
    }

    public void Write(in SymmetryPermutation state)
    {
        state.Number(HardState.Term.Value);
        state.Node(HardState.VotedFor);
        state.Number(HardState.RepairTerm.Value);
        state.Number(Commit.Value);
        SentMessage.Write(state, Base);
        SentMessage.WriteEntries(state, Entries);
        SentMessage.Write(state, Snapshot);
    }

    /// <summary>The term of the entry at an index of the log; zero if the log has no such entry.</summary>
    private Term TermAt(LogIndex index) =>
        index <= LastIndex && index > Base.Index ? Entries[(int)(index - Base.Index) - 1].Term : Term.Zero;

    /// <summary>As in StartupRecovery: the log does not hold the term of the entry before its first one.</summary>
    private EntryId CompactedEntry() =>
        Base.Index == LogIndex.Zero ? EntryId.Zero : Base == Snapshot ? Snapshot : new EntryId(Entries[0].Term, Entries[0].Index);

    private DiskImage With(UnflushedAppend append)
    {
        if (append.ResetTo is { } snapshot)
            return this with { Base = snapshot, Entries = [], Commit = snapshot.Index };
        if (append.Entries.Length == 0)
            return this;

        var first = append.Entries[0].Index;
        Invariant.That(first > Commit, "committed entries are never replaced");
        var entries = Entries[..(int)(first - Base.Index - 1)];
        var last = append.Entries[^1].Index;
        return this with { Entries = [.. entries, .. append.Entries], Commit = LogIndex.Min(LogIndex.Max(Commit, append.Commit), last) };
    }
}

/// <summary>An append that is not flushed yet, and the messages that are held until it is.</summary>
internal sealed record UnflushedAppend(
    ulong Token, HardState? HardState, EntryId? ResetTo, LogEntry[] Entries, LogIndex Commit, SentMessage[] Held)
{
    public void Write(in SymmetryPermutation state)
    {
        state.Number(HardState is null ? 0UL : 1);
        state.Number(HardState?.Term.Value ?? 0);
        state.Node(HardState?.VotedFor ?? NodeId.None);
        state.Number(HardState?.RepairTerm.Value ?? 0);
        SentMessage.Write(state, ResetTo ?? EntryId.Zero);
        state.Number(Commit.Value);
        SentMessage.WriteEntries(state, Entries);
        state.Messages(Held);
    }
}
