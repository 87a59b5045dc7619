using Quorate.Node.Driver;
using Quorate.Node.Tests.Storage;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>A node starts from what is on its disk: what is committed is applied, and the core knows the term of each entry.</summary>
public sealed class StartupRecoveryTests
{
    private readonly MemoryStorage _disk = new();

    /// <summary>
    /// Without the run of term 3, entry 5 would count as one of term 1: the member would reject an append that follows it, and grant a
    /// vote to a log that lacks it.
    /// </summary>
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void A_term_that_begins_at_the_commit_mark_is_known_after_a_restart(int commitMark)
    {
        LogEntry[] entries = [.. Wal.Given.Entries(1, 4, term: 1), .. Wal.Given.Entries(5, 6, term: 3), Wal.Given.Entry(7, term: 4)];
        Write(entries, commitMark);

        var (state, replayed) = Restart();

        Assert.Equal(entries.Take(commitMark).Select(static e => e.Index), replayed);
        Assert.Equal(new LogIndex((ulong)commitMark), state.Commit);
        Assert.Equal(entries.Skip(commitMark).Select(static e => e.Id), state.Tail.Select(static e => e.Id));
        Assert.Equal(entries[^1].Id, state.Last);
        Assert.Equal([Wal.Given.Id(1, 1), Wal.Given.Id(3, 5), Wal.Given.Id(4, 7)], TermStartsOf(state));
    }

    [Fact]
    public void A_replay_of_many_chunks_passes_each_committed_entry_once_and_in_order()
    {
        Write(Wal.Given.Entries(1, 100, term: 1, payloadBytes: 4000), commitMark: 90);

        var (state, replayed) = Restart();

        Assert.Equal(Enumerable.Range(1, 90).Select(static index => new LogIndex((ulong)index)), replayed);
        Assert.Equal(Enumerable.Range(91, 10).Select(static index => new LogIndex((ulong)index)), state.Tail.Select(static e => e.Index));
    }

    [Fact]
    public void An_empty_log_starts_at_zero()
    {
        var (state, replayed) = Restart();

        Assert.Empty(replayed);
        Assert.Empty(state.Tail);
        Assert.Equal(EntryId.Zero, state.Last);
    }

    /// <summary>The first entries of the terms, as the core derives them from the state: of committed terms, and of the tail.</summary>
    private static IEnumerable<EntryId> TermStartsOf(DurableState state)
    {
        var last = Term.Zero;
        foreach (var id in state.TermStarts.Concat(state.Tail.Select(static e => e.Id)))
        {
            if (id.Term != last)
                yield return id;
            last = id.Term;
        }
    }

    private void Write(LogEntry[] entries, int commitMark)
    {
        var options = Wal.Given.SmallSegments();
        using var log = Wal.Given.OpenLog(_disk, options).Log;
        var batch = Wal.Given.Batch(options, entries);
        batch.SetHardState(Wal.Given.Vote(entries[^1].Term.Value, 2));
        batch.SetCommitIndex(new LogIndex((ulong)commitMark));
        log.AppendAndFlush(batch);
    }

    private (DurableState State, List<LogIndex> Replayed) Restart()
    {
        var (log, recovered) = Wal.Given.OpenLog(_disk, Wal.Given.SmallSegments());
        using var _ = log;
        var replayed = new List<LogIndex>();
        void Replay(ReadOnlySpan<LogEntry> committed)
        {
            foreach (ref readonly var entry in committed)
                replayed.Add(entry.Index);
        }

        var members = new Configuration([new NodeId(1), new NodeId(2), new NodeId(3)]);
        return (StartupRecovery.Run(log, recovered, members, Replay, CancellationToken.None), replayed);
    }
}
