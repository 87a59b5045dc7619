using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>
/// What a member's disk contains after a power cut: term and vote, the log, and the commit index that was written along with the entries.
/// </summary>
internal sealed record DiskImage(HardState HardState, LogEntry[] Entries, LogIndex Commit)
{
    public static DiskImage Blank => new(default, [], LogIndex.Zero);

    public LogIndex LastIndex => new((ulong)Entries.Length);

    /// <summary>The term of the entry at an index; zero if there is no entry.</summary>
    public Term TermAt(LogIndex index) => index <= LastIndex && index > LogIndex.Zero ? Entries[(int)index.Value - 1].Term : Term.Zero;

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

    /// <summary>The durable state from which a core starts on this disk.</summary>
    public DurableState Restore(Configuration configuration)
    {
        var committed = (int)Commit.Value;
        return new DurableState
        {
            HardState = HardState,
            Configuration = configuration,
            TermStarts =
            [
                .. Entries
                    .Take(committed)
                    .Where((entry, i) => i == 0 || entry.Term != Entries[i - 1].Term)
                    .Select(static entry => entry.Id),
            ],
            Commit = Commit,
            Tail = Entries[committed..],
            Last = Entries.Length == 0 ? EntryId.Zero : Entries[^1].Id,
        };
    }

    public void Write(in SymmetryPermutation state)
    {
        state.Number(HardState.Term.Value);
        state.Node(HardState.VotedFor);
        state.Number(Commit.Value);
        SentMessage.WriteEntries(state, Entries);
    }

    private DiskImage With(UnflushedAppend append)
    {
        if (append.Entries.Length == 0)
            return this;

        var first = append.Entries[0].Index;
        Invariant.That(first > Commit, "committed entries are never replaced");
        var entries = Entries[..(int)(first - new LogIndex(1))];
        var last = append.Entries[^1].Index;
        return this with { Entries = [.. entries, .. append.Entries], Commit = LogIndex.Min(LogIndex.Max(Commit, append.Commit), last) };
    }
}

/// <summary>An append that is not flushed yet, and the messages that are held until it is.</summary>
internal sealed record UnflushedAppend(ulong Token, HardState? HardState, LogEntry[] Entries, LogIndex Commit, SentMessage[] Held)
{
    public void Write(in SymmetryPermutation state)
    {
        state.Number(HardState is null ? 0UL : 1);
        state.Number(HardState?.Term.Value ?? 0);
        state.Node(HardState?.VotedFor ?? NodeId.None);
        state.Number(Commit.Value);
        SentMessage.WriteEntries(state, Entries);
        state.Messages(Held);
    }
}
