using Quorate.Node.Tests.Io;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Wal;

/// <summary>What is written comes back, in order, and later entries replace earlier ones.</summary>
public sealed class WriteAheadLogTests
{
    [Fact]
    public void A_new_folder_holds_an_empty_log_that_begins_at_1()
    {
        var (log, recovered) = WriteAheadLog.Open(new MemoryDisk(), Given.SmallSegments());
        using var _ = log;

        Assert.True(recovered.IsEmpty);
        Assert.Equal(new LogIndex(1), recovered.FirstIndex);
        Assert.Equal(default, recovered.HardState);
        Assert.Null(recovered.CutTail);
    }

    [Fact]
    public void What_was_committed_is_there_after_a_restart()
    {
        var (disk, options) = (new MemoryDisk(), Given.SmallSegments());
        LogEntry[] entries = [LogEntry.NoOp(new Term(1), new LogIndex(1)), .. Given.Entries(2, 300, term: 1, payloadBytes: 100), .. Given.Entries(301, 310, term: 4, payloadBytes: 4096)];
        using (var log = WriteAheadLog.Open(disk, options).Log)
        {
            var batch = new WalBatch(options);
            foreach (var run in entries.Chunk(7))
            {
                batch.Clear();
                batch.HardState(Given.Vote(run[^1].Term.Value, 3));
                batch.Append(run);
                batch.Commit(run[0].Index);
                log.Commit(batch);
            }

            Given.Same(entries, Given.AllOf(log));
        }

        var (again, recovered) = WriteAheadLog.Open(disk.CrashedCopy(Unflushed.Dropped), options);
        using var _ = again;

        Assert.Equal(new LogIndex(310), recovered.LastIndex);
        Assert.Equal(new LogIndex(309), recovered.CommitMark);
        Assert.Equal(Given.Vote(4, 3), recovered.HardState);
        Assert.Equal([Given.Id(1, 1), Given.Id(4, 301)], recovered.TermStarts);
        Assert.Equal(new Term(1), recovered.TermOf(new LogIndex(300)));
        Given.Same(entries, Given.AllOf(again));
        Assert.True(disk.List().Count > 5, "the test should have needed several segments");
    }

    /// <summary>The option grew, and segments of the old length are there, the next one ready and unused among them: a longer frame must not be put there.</summary>
    [Fact]
    public void Frames_that_are_too_long_for_the_segments_that_are_there_go_into_one_that_is_long_enough()
    {
        var (disk, small) = (new MemoryDisk(), Given.SmallSegments());
        using (var log = WriteAheadLog.Open(disk, small).Log)
            log.Commit(Given.Batch(small, Given.Entries(1, 10, term: 0)));
        using (var maker = new SegmentMaker(disk, small))
            maker.Take(2).Dispose();

        var large = Given.SmallSegments() with { SegmentBytes = 256 * 1024, PayloadBytesMax = 64 * 1024 };
        LogEntry[] entries = [.. Given.Entries(11, 12, term: 0, payloadBytes: 6000), .. Given.Entries(13, 14, term: 0, payloadBytes: 60_000)];
        using (var log = WriteAheadLog.Open(disk, large).Log)
        {
            foreach (var entry in entries)
                log.Commit(Given.Batch(large, entry));
        }

        using var again = WriteAheadLog.Open(disk.CrashedCopy(Unflushed.Dropped), large).Log;
        Given.Same([.. Given.Entries(1, 10, term: 0), .. entries], Given.AllOf(again));
    }

    /// <summary>In step with the writes: filled all at once, it would stand before their flushes. A log that is closed meanwhile leaves nothing half made.</summary>
    [Fact]
    public void The_next_segment_is_filled_no_further_than_the_present_one_asks_for()
    {
        var (disk, options) = (new MemoryDisk(), new WalOptions { SegmentBytes = 1 << 20, PayloadBytesMax = 4096 });
        var filled = 0;
        using (var log = WriteAheadLog.Open(disk, options).Log)
        {
            disk.Before = call => filled += call == "write wal-next.new" ? 1 : 0;
            log.Commit(Given.Batch(options, Given.Entries(1, 50, term: 0, payloadBytes: 4096)));
        }

        Assert.InRange(filled, 0, 1); // of 4: a fifth of the present one is used
        Assert.Equal(["hardstate", Segment.NameOf(1)], disk.List());
    }

    /// <summary>All that the log ever was would else push out what somebody reads. The segment in use stays: its filled pages are about to be written to.</summary>
    [Fact]
    public void A_full_segment_need_not_be_held_in_memory_and_the_one_in_use_is()
    {
        var (disk, options) = (new MemoryDisk(), Given.SmallSegments());
        using var log = WriteAheadLog.Open(disk, options).Log;
        for (var index = 1UL; disk.List().Count < 4; index++)
            log.Commit(Given.Batch(options, Given.Entry(index, term: 0, payloadBytes: 2000)));

        Assert.Equal([Segment.NameOf(1), Segment.NameOf(2)], disk.Dropped);
    }

    [Fact]
    public void One_batch_is_one_write_and_one_flush()
    {
        var (disk, options) = (new MemoryDisk(), new WalOptions { SegmentBytes = 1 << 20, PayloadBytesMax = 4096, PrepareInBackground = false });
        using var log = WriteAheadLog.Open(disk, options).Log;
        var (writes, flushes) = (disk.Writes, disk.Flushes);

        log.Commit(Given.Batch(options, Given.Entries(1, 100)));

        Assert.Equal((1, 1), (disk.Writes - writes, disk.Flushes - flushes));
    }

    /// <summary>An entry of a term is never durable before the term is: else a restart could vote in a term whose entries it holds.</summary>
    [Fact]
    public void A_new_term_is_flushed_before_the_entries_and_an_unchanged_one_not_at_all()
    {
        var (disk, options) = (new MemoryDisk(), Given.SmallSegments());
        using var log = WriteAheadLog.Open(disk, options).Log;
        var calls = new List<string>();
        disk.Before = calls.Add;
        var batch = Given.Batch(options, Given.Entry(1, term: 2));
        batch.HardState(Given.Vote(2, 1));
        log.Commit(batch);
        batch.Clear();
        batch.HardState(Given.Vote(2, 1));
        batch.Append([Given.Entry(2, term: 2)]);
        log.Commit(batch);

        var segment = Segment.NameOf(1);
        Assert.Equal(
            ["write hardstate", "write hardstate", "flush hardstate", $"write {segment}", $"flush {segment}", $"write {segment}", $"flush {segment}"], calls);
    }

    [Fact]
    public void An_entry_at_or_before_the_end_replaces_everything_from_there_on()
    {
        var (disk, options) = (new MemoryDisk(), Given.SmallSegments());
        using (var log = WriteAheadLog.Open(disk, options).Log)
        {
            var batch = Given.Batch(options, Given.Entries(1, 40, term: 1, payloadBytes: 2000));
            batch.HardState(Given.Vote(3, 0));
            log.Commit(batch);
            log.Commit(Given.Batch(options, Given.Entries(11, 12, term: 3)));
            log.Commit(Given.Batch(options, [Given.Entry(13, term: 3), Given.Entry(14, term: 3), Given.Entry(13, term: 3, payloadBytes: 9)]));
        }

        var (again, recovered) = WriteAheadLog.Open(disk, options);
        using var _ = again;

        Assert.Equal([Given.Id(1, 1), Given.Id(3, 11)], recovered.TermStarts);
        Given.Same(
            [.. Given.Entries(1, 10, term: 1, payloadBytes: 2000), .. Given.Entries(11, 12, term: 3), Given.Entry(13, term: 3, payloadBytes: 9)],
            Given.AllOf(again));
    }

    [Fact]
    public void A_commit_mark_alone_is_not_written()
    {
        var (disk, options) = (new MemoryDisk(), Given.SmallSegments());
        using var log = WriteAheadLog.Open(disk, options).Log;
        log.Commit(Given.Batch(options, Given.Entry(1)));
        var calls = disk.Calls;
        var mark = new WalBatch(options);
        mark.Commit(new LogIndex(1));

        Assert.True(mark.IsEmpty);
        log.Commit(mark);

        Assert.Equal(calls, disk.Calls);
    }

    [Theory]
    [InlineData(1, 1)] // at least one, however long
    [InlineData(200, 2)] // 100 + 48 bytes each: a second would exceed it
    [InlineData(1_000_000, 50)]
    public void Reading_stops_where_the_bytes_are_used_up(long bytesMax, int expected)
    {
        var (disk, options) = (new MemoryDisk(), Given.SmallSegments());
        using var log = WriteAheadLog.Open(disk, options).Log;
        log.Commit(Given.Batch(options, Given.Entries(1, 60, payloadBytes: 52)));
        var target = new List<LogEntry>();

        var count = log.Read(new LogIndex(3), new LogIndex(52), bytesMax, target);

        Assert.Equal(expected, count);
        Given.Same(Given.Entries(3, 2 + (ulong)expected, payloadBytes: 52), target);
    }
}
