using Quorate.Raft;

namespace Quorate.Verification.Exploration;

/// <summary>What a member's disk would show after a power cut: term and vote, the log, and the commit mark that rode with it.</summary>
internal sealed record DiskImage(HardState HardState, LogEntry[] Entries, LogIndex Commit)
{
    public static DiskImage Blank => new(default, [], LogIndex.Zero);

    public LogIndex LastIndex => new((ulong)Entries.Length);

    /// <summary>The term of the entry at an index; zero where there is none.</summary>
    public Term TermAt(LogIndex index) => index <= LastIndex && index > LogIndex.Zero ? Entries[(int)index.Value - 1].Term : Term.Zero;

    /// <summary>After some appends whose hard state, and some of those whose entries, have reached the disk.</summary>
    /// <remarks>The log saves term and vote before any entry of the same batch (WriteAheadLog.Commit), so entries never run ahead of them.</remarks>
    public DiskImage With(ReadOnlySpan<PendingAppend> hardStates, int entries)
    {
        var image = this;
        foreach (var append in hardStates)
            image = image with { HardState = append.HardState ?? image.HardState };
        foreach (var append in hardStates[..entries])
            image = image.With(append);
        return image;
    }

    /// <summary>What a core that starts from this disk is told.</summary>
    public DurableState Restore(Configuration configuration)
    {
        var committed = (int)Commit.Value;
        return new DurableState
        {
            HardState = HardState,
            Configuration = configuration,
            TermStarts = [.. Entries.Take(committed).Where((entry, i) => i == 0 || entry.Term != Entries[i - 1].Term).Select(static entry => entry.Id)],
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

    private DiskImage With(PendingAppend append)
    {
        if (append.Entries.Length == 0)
            return this;

        var first = append.Entries[0].Index;
        Invariant.That(first > Commit, "what is committed is never replaced");
        var entries = Entries[..(int)(first - new LogIndex(1))];
        var last = append.Entries[^1].Index;
        return this with { Entries = [.. entries, .. append.Entries], Commit = LogIndex.Min(LogIndex.Max(Commit, append.Commit), last) };
    }
}

/// <summary>An append that the disk has not answered, and the messages that wait for it.</summary>
internal sealed record PendingAppend(ulong Token, HardState? HardState, LogEntry[] Entries, LogIndex Commit, SentMessage[] Held)
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
