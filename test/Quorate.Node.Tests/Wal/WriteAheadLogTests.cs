using Quorate.Node.Tests.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Wal;

/// <summary>Written entries are read back in order, and later entries replace earlier ones.</summary>
public sealed class WriteAheadLogTests
{
    [Fact]
    public void A_new_directory_holds_an_empty_log_that_begins_at_1()
    {
        var (log, recovered) = Given.OpenLog(new MemoryStorage(), Given.SmallSegments());
        using var _ = log;

        Assert.True(recovered.IsEmpty);
        Assert.Equal(new LogIndex(1), recovered.FirstIndex);
        Assert.Equal(default, recovered.HardState);
        Assert.Null(recovered.TruncatedTail);
    }

    [Fact]
    public void Flushed_entries_are_recovered_after_a_restart()
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments());
        LogEntry[] entries = [LogEntry.NoOp(new Term(1), new LogIndex(1)), .. Given.Entries(2, 300, term: 1, payloadBytes: 100),
            .. Given.Entries(301, 310, term: 4, payloadBytes: 4096)];
        using (var log = Given.OpenLog(disk, options).Log)
        {
            var batch = new WalBatch(options);
            foreach (var run in entries.Chunk(7))
            {
                batch.Clear();
                batch.SetHardState(Given.Vote(run[^1].Term.Value, 3));
                batch.Append(run);
                batch.SetCommitIndex(run[0].Index);
                log.AppendAndFlush(batch);
            }

            Given.AssertSameEntries(entries, Given.ReadAll(log));
        }

        var (again, recovered) = Given.OpenLog(disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped), options);
        using var _ = again;

        Assert.Equal(new LogIndex(310), recovered.LastIndex);
        Assert.Equal(new LogIndex(309), recovered.CommitMark);
        Assert.Equal(Given.Vote(4, 3), recovered.HardState);
        Assert.Equal([Given.Id(1, 1), Given.Id(4, 301)], recovered.TermStarts);
        Assert.Equal(new Term(1), recovered.TermOf(new LogIndex(300)));
        Given.AssertSameEntries(entries, Given.ReadAll(again));
        Assert.True(disk.List().Count > 6, "the test should have needed several segments");
    }

    /// <summary>
    /// The option was increased, and segments of the old length exist, the next one allocated and unused among them: a longer frame must
    /// not be written there.
    /// </summary>
    [Fact]
    public void A_frame_too_long_for_existing_segments_goes_into_a_longer_one()
    {
        var (disk, small) = (new MemoryStorage(), Given.SmallSegments());
        using (var log = Given.OpenLog(disk, small).Log)
            log.AppendAndFlush(Given.Batch(small, Given.Entries(1, 10, term: 0)));
        using (var allocator = new SegmentAllocator(disk, small, Given.Identity(disk)))
            allocator.Take(2).Dispose();

        var large = Given.SmallSegments() with { SegmentBytes = 256 * 1024, PayloadBytesMax = 64 * 1024 };
        LogEntry[] entries =
            [.. Given.Entries(11, 12, term: 0, payloadBytes: 6000), .. Given.Entries(13, 14, term: 0, payloadBytes: 60_000)];
        using (var log = Given.OpenLog(disk, large).Log)
        {
            foreach (var entry in entries)
                log.AppendAndFlush(Given.Batch(large, entry));
        }

        using var again = Given.OpenLog(disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped), large).Log;
        Given.AssertSameEntries([.. Given.Entries(1, 10, term: 0), .. entries], Given.ReadAll(again));
    }

    /// <summary>
    /// Preallocation is throttled to the pace of the writes: filled at once, a segment would delay their flushes. A log that is closed
    /// meanwhile leaves nothing half created.
    /// </summary>
    [Fact]
    public void Preallocation_keeps_pace_with_the_current_segment()
    {
        var (disk, options) = (new MemoryStorage(), new WalOptions { SegmentBytes = 1 << 20, PayloadBytesMax = 4096 });
        var filled = 0;
        using (var log = Given.OpenLog(disk, options).Log)
        {
            disk.BeforeCall = call => filled += call == "write wal-next.new" ? 1 : 0;
            log.AppendAndFlush(Given.Batch(options, Given.Entries(1, 50, term: 0, payloadBytes: 4096)));
        }

        Assert.InRange(filled, 0, 1); // of 4: a fifth of the current segment is used
        Assert.Equal(
            ["hardstate", "hardstate-copy", "identity", "identity-copy", ReserveFile.Name, Segment.NameOf(1)], disk.List());
    }

    /// <summary>
    /// Otherwise old log data would evict pages that are being read. The segment in use stays: its filled pages are about to be written to.
    /// </summary>
    [Fact]
    public void Full_segments_are_evicted_from_the_page_cache()
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments());
        using var log = Given.OpenLog(disk, options).Log;
        for (var index = 1UL; disk.List().Count < 7; index++)
            log.AppendAndFlush(Given.Batch(options, Given.Entry(index, term: 0, payloadBytes: 2000)));

        Assert.Equal([Segment.NameOf(1), Segment.NameOf(2)], disk.Evicted);
    }

    [Fact]
    public void A_batch_needs_one_write_and_one_flush()
    {
        var (disk, options) =
            (new MemoryStorage(), new WalOptions { SegmentBytes = 1 << 20, PayloadBytesMax = 4096, PreallocateInBackground = false });
        using var log = Given.OpenLog(disk, options).Log;
        var (writes, flushes) = (disk.Writes, disk.Flushes);

        log.AppendAndFlush(Given.Batch(options, Given.Entries(1, 100)));

        Assert.Equal((1, 1), (disk.Writes - writes, disk.Flushes - flushes));
    }

    /// <summary>
    /// An entry of a term is never durable before the term is; otherwise a restarted node could vote in a term whose entries it holds.
    /// </summary>
    [Fact]
    public void A_new_term_is_flushed_before_the_entries()
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments());
        using var log = Given.OpenLog(disk, options).Log;
        var calls = new List<string>();
        disk.BeforeCall = calls.Add;
        var batch = Given.Batch(options, Given.Entry(1, term: 2));
        batch.SetHardState(Given.Vote(2, 1));
        log.AppendAndFlush(batch);
        batch.Clear();
        batch.SetHardState(Given.Vote(2, 1));
        batch.Append([Given.Entry(2, term: 2)]);
        log.AppendAndFlush(batch);

        var segment = Segment.NameOf(1);
        Assert.Equal(
            ["write hardstate", "write hardstate", "flush hardstate", "write hardstate-copy", "write hardstate-copy",
                "flush hardstate-copy", $"write {segment}", $"flush {segment}", $"write {segment}",
                $"flush {segment}"], calls);
    }

    [Fact]
    public void An_entry_within_the_log_replaces_the_suffix()
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments());
        using (var log = Given.OpenLog(disk, options).Log)
        {
            var batch = Given.Batch(options, Given.Entries(1, 40, term: 1, payloadBytes: 2000));
            batch.SetHardState(Given.Vote(3, 0));
            log.AppendAndFlush(batch);
            log.AppendAndFlush(Given.Batch(options, Given.Entries(11, 12, term: 3)));
            log.AppendAndFlush(
                Given.Batch(options, [Given.Entry(13, term: 3), Given.Entry(14, term: 3), Given.Entry(13, term: 3, payloadBytes: 9)]));
        }

        var (again, recovered) = Given.OpenLog(disk, options);
        using var _ = again;

        Assert.Equal([Given.Id(1, 1), Given.Id(3, 11)], recovered.TermStarts);
        Given.AssertSameEntries(
            [.. Given.Entries(1, 10, term: 1, payloadBytes: 2000), .. Given.Entries(11, 12, term: 3),
                Given.Entry(13, term: 3, payloadBytes: 9)],
            Given.ReadAll(again));
    }

    [Fact]
    public void A_batch_with_only_a_commit_index_writes_nothing()
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments());
        using var log = Given.OpenLog(disk, options).Log;
        log.AppendAndFlush(Given.Batch(options, Given.Entry(1)));
        var calls = disk.Calls;
        var mark = new WalBatch(options);
        mark.SetCommitIndex(new LogIndex(1));

        Assert.True(mark.IsEmpty);
        log.AppendAndFlush(mark);

        Assert.Equal(calls, disk.Calls);
    }

    [Theory]
    [InlineData(1, 1)] // at least one, however long
    [InlineData(200, 2)] // 100 + 48 bytes each: a second would exceed it
    [InlineData(1_000_000, 50)]
    public void A_read_stops_at_its_byte_limit(long bytesMax, int expected)
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments());
        using var log = Given.OpenLog(disk, options).Log;
        log.AppendAndFlush(Given.Batch(options, Given.Entries(1, 60, payloadBytes: 52)));
        var target = new List<LogEntry>();

        var count = log.Read(new LogIndex(3), new LogIndex(52), bytesMax, target);

        Assert.Equal(expected, count);
        Given.AssertSameEntries(Given.Entries(3, 2 + (ulong)expected, payloadBytes: 52), target);
    }
}
