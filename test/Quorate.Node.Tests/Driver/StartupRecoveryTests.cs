using Quorate.Node.Driver;
using Quorate.Node.Snapshots;
using Quorate.Node.Tests.Storage;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>A node starts from what is on its disk: what is committed is applied, and the core knows the term of each entry.</summary>
public sealed class StartupRecoveryTests
{
    private readonly MemoryStorage _disk = new();
    private readonly Configuration _members = new([new NodeId(1), new NodeId(2), new NodeId(3)]);
    private EntryId _restored;

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

    private void Write(LogEntry[] entries, int commitMark, ulong savedTerm = 0)
    {
        var options = Wal.Given.SmallSegments();
        using var log = Wal.Given.OpenLog(_disk, options).Log;
        var batch = Wal.Given.Batch(options, entries);
        batch.SetHardState(Wal.Given.Vote(Math.Max(savedTerm, entries[^1].Term.Value), 2));
        batch.SetCommitIndex(new LogIndex((ulong)commitMark));
        log.AppendAndFlush(batch);
    }

    /// <summary>The log contains the last entry of the snapshot: only what follows is applied, and the entries before it stay.</summary>
    [Fact]
    public void A_log_that_contains_the_snapshot_is_replayed_from_there()
    {
        Write(Wal.Given.Entries(1, 9), commitMark: 8);
        WriteSnapshot(term: 1, index: 5);

        var (state, replayed) = Restart();

        Assert.Equal(Wal.Given.Id(1, 5), _restored);
        Assert.Equal([new(6), new(7), new(8)], replayed);
        Assert.Equal((Wal.Given.Id(1, 5), EntryId.Zero), (state.Snapshot, state.Compacted));
        Assert.Equal(Wal.Given.Id(1, 9), state.Last);
        _ = CoreOf(state);
    }

    /// <summary>The commit mark is written with entries, so it may be behind a snapshot that was taken since.</summary>
    [Fact]
    public void A_snapshot_ahead_of_the_commit_mark_is_committed()
    {
        Write(Wal.Given.Entries(1, 9), commitMark: 3);
        WriteSnapshot(term: 1, index: 5);

        var (state, replayed) = Restart();

        Assert.Empty(replayed);
        Assert.Equal(new LogIndex(5), state.Commit);
        Assert.Equal(new LogIndex(5), CoreOf(state).AppliedIndex);
    }

    /// <summary>
    /// Segments before the snapshot were dropped. The log on the disk has no term for the entry before its first one, so its first entry
    /// counts as compacted.
    /// </summary>
    [Fact]
    public void The_first_entry_of_a_shortened_log_contributes_its_term()
    {
        Write(Wal.Given.Entries(1, 60, payloadBytes: 1000), commitMark: 60);
        WriteSnapshot(term: 1, index: 55);
        LogIndex first;
        using (var log = Wal.Given.OpenLog(_disk, Wal.Given.SmallSegments()).Log)
        {
            log.DropBefore(new LogIndex(50));
            first = log.FirstIndex;
        }

        var (state, replayed) = Restart();

        Assert.True(first > new LogIndex(1) && first <= new LogIndex(50));
        Assert.Equal(new EntryId(new Term(1), first), state.Compacted);
        Assert.Equal([.. Enumerable.Range(56, 5).Select(static index => new LogIndex((ulong)index))], replayed);
        var core = CoreOf(state);
        Assert.Equal((new Term(1), null), (core.TermAt(first), core.TermAt(first - 1)));
    }

    /// <summary>A crash came after a received snapshot was durable and before it had replaced the log.</summary>
    [Theory]
    [InlineData(4, 20, 7)] // the log ends before the snapshot, and the term of the snapshot was not saved either
    [InlineData(7, 20, 7)] // the same, but the term was saved
    [InlineData(7, 5, 4)] // the log has another entry at the index of the snapshot
    public void A_log_that_lacks_the_snapshots_last_entry_is_replaced(ulong savedTerm, ulong index, ulong term)
    {
        Write(Wal.Given.Entries(1, 9), commitMark: 3, savedTerm);
        WriteSnapshot(term, index);

        for (var start = 1; start <= 2; start++)
        {
            var (state, replayed) = Restart();

            Assert.Empty(replayed);
            Assert.Equal(Wal.Given.Id(term, index), state.Last);
            Assert.Equal(Wal.Given.Id(term, index), state.Compacted);
            Assert.Equal(term > savedTerm ? Wal.Given.Vote(term, 0) : Wal.Given.Vote(savedTerm, 2), state.HardState);
            Assert.Equal(new LogIndex(index), CoreOf(state).LastIndex);
        }
    }

    [Fact]
    public void A_log_that_begins_behind_every_snapshot_is_refused()
    {
        Write(Wal.Given.Entries(1, 60, payloadBytes: 1000), commitMark: 60);
        using (var log = Wal.Given.OpenLog(_disk, Wal.Given.SmallSegments()).Log)
            log.DropBefore(new LogIndex(50));

        var refused = Assert.Throws<SnapshotCorruptionException>(() => Restart());

        Assert.Contains("no snapshot in the data directory covers the entries before it", refused.Message, StringComparison.Ordinal);
    }

    private static RaftCore CoreOf(DurableState state) => new(new RaftOptions { Self = new NodeId(1) }, state);

    private void WriteSnapshot(ulong term, ulong index) =>
        OpenSnapshots().Write(Wal.Given.Id(term, index), _members, new EmptySnapshot(), CancellationToken.None);

    private SnapshotStore OpenSnapshots() => SnapshotStore.Open(_disk, 0xC0DE, GroupId.First, new SnapshotOptions());

    private (DurableState State, List<LogIndex> Replayed) Restart()
    {
        var options = Wal.Given.SmallSegments();
        var (log, recovered) = Wal.Given.OpenLog(_disk, options);
        using var _ = log;
        var applier = new RecordingApplier();
        var recovery = new StartupRecovery(
            log, OpenSnapshots(), applier, new LogGrowth(new SnapshotPolicy()), options, _members, Wal.Given.Features(_disk),
            CancellationToken.None);
        var state = recovery.Run(recovered);
        _restored = applier.Restored;
        return (state, applier.Replayed);
    }

    private sealed class RecordingApplier : IApplier
    {
        public EntryId Restored { get; private set; }

        public List<LogIndex> Replayed { get; } = [];

        public LogIndex Applied => throw new NotSupportedException();

        public Exception? Fault => null;

        public void Restore(EntryId last, Stream content) => Restored = last;

        public void Replay(ReadOnlySpan<LogEntry> committed)
        {
            foreach (ref readonly var entry in committed)
                Replayed.Add(entry.Index);
        }

        public void Enqueue(ReadOnlySpan<LogEntry> committed) => throw new NotSupportedException();

        public void EnqueueRestore(EntryId last, Func<Stream> open) => throw new NotSupportedException();

        public void RequestCapture(Action<EntryId, IStateMachineSnapshot?> captured) => throw new NotSupportedException();
    }

    private sealed class EmptySnapshot : IStateMachineSnapshot
    {
        public void WriteTo(Stream destination) => destination.WriteByte(1);

        public void Dispose()
        {
        }
    }
}
