using System.Buffers.Binary;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Wal;

/// <summary>The files of the log: which are segments, when they are deleted, how they are read, and what a lost write in them is.</summary>
public sealed class SegmentTests
{
    private static readonly WalOptions Options = Given.SmallSegments();

    private readonly MemoryStorage _disk = new();

    [Theory]
    [InlineData("wal-0000000000000001.log", true)]
    [InlineData("wal-1.log", false)]
    [InlineData("wal-.log", false)]
    [InlineData("wal-", false)]
    [InlineData(".log", false)]
    [InlineData("a.log", false)]
    [InlineData("old-0000000000000001.log", false)]
    [InlineData("wal-0000000000000001.bak", false)]
    [InlineData("wal-00000000000000 1.log", false)]
    [InlineData("wal-next.new", false)]
    public void Only_a_name_in_its_exact_form_is_a_segment(string name, bool isSegment)
    {
        Assert.Equal(isSegment, Segment.TryParseName(name, out var sequence));
        if (isSegment)
            Assert.Equal(1UL, sequence);
    }

    [Fact]
    public void Segments_before_the_start_of_the_log_are_deleted_from_the_disk()
    {
        using var log = Written();
        log.DropBefore(log.LastIndex);

        Assert.Equal([Segment.NameOf(3)], SegmentsOf(_disk));
        Assert.Equal([.. Given.Entries(log.FirstIndex.Value, 30, payloadBytes: 1000).Select(static e => e.Id)],
            Given.ReadAll(log).Select(static e => e.Id));
    }

    /// <summary>A process that ended after it had moved the start of the log and before it deleted the segments leaves them.</summary>
    [Fact]
    public void Segments_that_a_crash_left_behind_are_deleted_at_the_next_start()
    {
        LogIndex first;
        using (var log = Written())
        {
            _disk.BeforeCall = static call =>
            {
                if (call.StartsWith("delete ", StringComparison.Ordinal))
                    throw new PowerLossException();
            };
            Assert.Throws<PowerLossException>(() => log.DropBefore(log.LastIndex));
            first = log.FirstIndex;
        }

        _disk.BeforeCall = null;
        Assert.Equal(3, SegmentsOf(_disk).Count());
        using var again = Given.OpenLog(_disk, Options).Log;

        Assert.Equal([Segment.NameOf(3)], SegmentsOf(_disk));
        Assert.Equal(first, again.FirstIndex);
    }

    /// <summary>A later leader's entries replaced all entries of the segment, so it holds none that is needed.</summary>
    [Fact]
    public void A_segment_whose_entries_were_all_replaced_is_deleted_with_the_one_before_it()
    {
        using var log = Written();
        var batch = Given.Batch(Options, Given.Entries(5, 12, term: 2));
        batch.SetHardState(Given.Vote(2, 1));
        log.AppendAndFlush(batch);
        var newest = SegmentsOf(_disk).Last();

        log.DropBefore(new LogIndex(6));

        Assert.Equal([newest], SegmentsOf(_disk));
        Assert.Equal(new LogIndex(5), log.FirstIndex);
    }

    /// <summary>A follower far behind is sent many entries at a time; each of them must not cost a call of its own.</summary>
    [Fact]
    public void Entries_that_follow_each_other_are_read_from_the_disk_together()
    {
        using var log = Written();
        var before = _disk.Reads;
        var target = new List<LogEntry>();

        Assert.Equal(8, log.Read(new LogIndex(1), new LogIndex(8), 1 << 20, target));

        Assert.Equal(1, _disk.Reads - before);
        Given.AssertSameEntries(Given.Entries(1, 8, payloadBytes: 1000), target);
    }

    /// <summary>The disk lost a whole frame. It was flushed before the next one was written, so this is no torn write.</summary>
    [Fact]
    public void A_frame_that_was_never_written_below_one_that_was_is_corruption()
    {
        using (var log = Given.OpenLog(_disk, Options).Log)
        {
            for (var index = 1UL; index <= 3; index++)
                log.AppendAndFlush(Given.Batch(Options, Given.Entry(index, term: 0)));
        }

        var bytes = _disk.BytesOf(Segment.NameOf(1));
        const int Second = 2 * Sectors.Bytes;
        Sectors.FillUnwritten(bytes.AsSpan(Second, Sectors.Bytes), NonceOf(bytes), Second);

        var corruption = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(_disk, Options));

        Assert.Contains("a frame is missing", corruption.Message, StringComparison.Ordinal);
        Assert.Contains("at byte 1536", corruption.Message, StringComparison.Ordinal);
    }

    /// <summary>A read takes from the disk what it was asked for, so corruption of later entries does not concern it.</summary>
    [Fact]
    public void Entries_before_one_that_the_disk_cannot_read_are_read()
    {
        using var log = Given.OpenLog(_disk, Options).Log;
        log.AppendAndFlush(Given.Batch(Options, Given.Entries(1, 3, term: 0, payloadBytes: 200)));
        _disk.Unreadable = (Segment.NameOf(1), Sectors.Bytes + WalFrameHeader.Bytes + (5 * WalEntryRecord.SizeOf(200) / 2));
        var target = new List<LogEntry>();

        Assert.Equal(2, log.Read(new LogIndex(1), new LogIndex(2), 1 << 20, target));

        Given.AssertSameEntries(Given.Entries(1, 2, term: 0, payloadBytes: 200), target);
        Assert.Throws<WalCorruptionException>(() => log.Read(new LogIndex(3), new LogIndex(3), 1 << 20, target));
    }

    /// <summary>Nothing can have been written so far behind the last frame, and recovery does not need those sectors.</summary>
    [Fact]
    public void A_sector_far_behind_the_end_of_the_log_need_not_be_readable()
    {
        LogEntry[] entries = Given.Entries(1, 3, term: 0);
        using (var log = Given.OpenLog(_disk, Options).Log)
            log.AppendAndFlush(Given.Batch(Options, entries));
        _disk.Unreadable = (Segment.NameOf(1), WalOptions.SegmentBytesMin - 100);

        using var again = Given.OpenLog(_disk, Options).Log;

        Given.AssertSameEntries(entries, Given.ReadAll(again));
    }

    [Fact]
    public void A_segment_that_is_missing_between_two_others_is_named()
    {
        Written().Dispose();
        _disk.Delete(Segment.NameOf(2));

        var corruption = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(_disk, Options));

        Assert.Equal(Segment.NameOf(2), corruption.File);
        Assert.Contains("the file is missing", corruption.Message, StringComparison.Ordinal);
    }

    /// <summary>The snapshot that replaces the log covers everything before its new start.</summary>
    [Fact]
    public void What_lies_before_the_start_of_a_log_that_was_reset_is_committed()
    {
        using (var log = Written())
            log.ResetTo(new LogIndex(50));

        var (again, recovered) = Given.OpenLog(_disk, Options);
        using var _ = again;

        Assert.Equal((new LogIndex(50), new LogIndex(49), new LogIndex(49)),
            (recovered.FirstIndex, recovered.LastIndex, recovered.CommitMark));
    }

    /// <summary>A term that was replaced as a whole is forgotten with its first entry.</summary>
    [Fact]
    public void A_term_whose_first_entry_was_replaced_is_not_recovered()
    {
        using (var log = Written())
        {
            var batch = Given.Batch(Options, [.. Given.Entries(31, 32, term: 3), .. Given.Entries(31, 33, term: 4)]);
            batch.SetHardState(Given.Vote(4, 1));
            log.AppendAndFlush(batch);
        }

        var (again, recovered) = Given.OpenLog(_disk, Options);
        using var _ = again;

        Assert.Equal([Given.Id(1, 1), Given.Id(4, 31)], recovered.TermStarts);
        Assert.Equal((new Term(1), new Term(4)), (recovered.TermOf(new LogIndex(30)), recovered.TermOf(new LogIndex(31))));
        Assert.Throws<ArgumentOutOfRangeException>(() => recovered.TermOf(LogIndex.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => recovered.TermOf(new LogIndex(34)));
    }

    [Fact]
    public void The_next_segment_is_not_created_before_an_eighth_of_the_current_one_is_used()
    {
        var calls = new List<string>();
        var options = Options with { PreallocateInBackground = true };
        using (var log = Given.OpenLog(_disk, options).Log)
        {
            _disk.BeforeCall = calls.Add;
            log.AppendAndFlush(Given.Batch(options, Given.Entry(1, term: 0)));
        }

        Assert.DoesNotContain("create wal-next.new", calls);
        Assert.True(new WalOptions().PreallocateInBackground);
    }

    /// <summary>A thread that fills the next segment too early delays the flushes of the current one.</summary>
    [Fact]
    public void Filling_waits_until_it_is_allowed()
    {
        var throttle = new PreallocationThrottle();
        throttle.AllowUpTo(1000);
        Assert.Equal((true, false), (throttle.IsAllowed(999), throttle.IsAllowed(1000)));
        Assert.True(throttle.WaitUntilAllowed(999));

        var isAllowed = false;
        var filling = new Thread(() => isAllowed = throttle.WaitUntilAllowed(1000));
        filling.Start();
        Assert.True(SpinWait.SpinUntil(
            () => filling.ThreadState is System.Threading.ThreadState.WaitSleepJoin or System.Threading.ThreadState.Stopped,
            TimeSpan.FromSeconds(30)));
        Assert.True(filling.IsAlive);
        throttle.AllowUpTo(1001);
        Assert.True(filling.Join(TimeSpan.FromSeconds(30)) && isAllowed);

        throttle.Cancel();
        Assert.False(throttle.WaitUntilAllowed(5000));
        Assert.False(throttle.IsAllowed(0));
    }

    /// <summary>A batch is cleared after each write, so it must keep its buffer; one that was once huge must give it back.</summary>
    [Fact]
    public void A_cleared_batch_keeps_its_buffer_up_to_a_limit()
    {
        var options = new WalOptions();
        var batch = Given.Batch(options, Given.Entries(1, 100, payloadBytes: 4000));
        Assert.Equal(0, AllocatedBy(batch.Clear));

        batch.Append(Given.Entries(1, 5, payloadBytes: 4 << 20));
        Assert.True(batch.SizeBytes > 16 << 20);
        Assert.InRange(AllocatedBy(batch.Clear), 1, 100_000);

        static long AllocatedBy(Action action)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }
    }

    [Theory]
    [InlineData(WalOptions.SegmentBytesMin, 1, "does not fit into the segment")]
    [InlineData(WalFrameHeader.Bytes - 1, 0, "fails verification")]
    [InlineData(WalFrameHeader.Bytes, -1, "fails verification")]
    public void A_frame_with_an_impossible_length_is_corruption(int length, int records, string expected)
    {
        Written().Dispose();
        var bytes = _disk.BytesOf(Segment.NameOf(1));
        Assert.True(WalFrameHeader.TryRead(bytes.AsSpan(Sectors.Bytes), NonceOf(bytes), Sectors.Bytes, out var header));
        var impossible = header with { Length = length, Records = records };
        impossible.Write(bytes.AsSpan(Sectors.Bytes), NonceOf(bytes), Sectors.Bytes);

        var corruption = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(_disk, Options));

        Assert.Contains(expected, corruption.Message, StringComparison.Ordinal);
    }

    /// <summary>A process that tries to open the log again and again must not run out of descriptors.</summary>
    [Fact]
    public void A_log_that_is_not_opened_or_is_closed_leaves_no_file_open()
    {
        Written().Dispose();
        Assert.Equal(0, _disk.OpenFiles);

        _disk.BytesOf(Segment.NameOf(3))[Sectors.Bytes + 20] ^= 1;
        Assert.Throws<WalCorruptionException>(() => Given.OpenLog(_disk, Options));
        Assert.Equal(0, _disk.OpenFiles);

        _disk.BytesOf(Segment.NameOf(3))[5] ^= 1;
        Assert.Throws<WalCorruptionException>(() => Given.OpenLog(_disk, Options));
        Assert.Equal(0, _disk.OpenFiles);
    }

    /// <summary>The spare segment is the next one. A second one of its number would take its place while it is open.</summary>
    [Fact]
    public void No_segment_is_created_while_there_is_a_spare_one()
    {
        Given.OpenLog(_disk, Options).Log.Dispose();
        using (var allocator = new SegmentAllocator(_disk, Options, Given.Identity(_disk)))
            allocator.Take(2).Dispose();
        var calls = new List<string>();
        var options = Options with { PreallocateInBackground = true };
        using (var log = Given.OpenLog(_disk, options).Log)
        {
            _disk.BeforeCall = calls.Add;
            log.AppendAndFlush(Given.Batch(options, Given.Entries(1, 8, term: 0, payloadBytes: 1000)));
        }

        Assert.DoesNotContain("create wal-next.new", calls);
    }

    /// <summary>A torn write is of entries that nothing has acknowledged; one that holds a committed entry is something else.</summary>
    [Fact]
    public void A_torn_frame_with_a_committed_entry_is_corruption()
    {
        using (var log = Given.OpenLog(_disk, Options).Log)
        {
            var batch = Given.Batch(Options, Given.Entry(1, term: 0));
            batch.SetCommitIndex(new LogIndex(1));
            log.AppendAndFlush(batch);
            log.AppendAndFlush(Given.Batch(Options, Given.Entry(2, term: 0, payloadBytes: 1000)));
        }

        var bytes = _disk.BytesOf(Segment.NameOf(1));
        var (at, header) = LastFrameOf(bytes);
        Assert.Equal((1, new LogIndex(2)), (header.Records, header.First));
        (header with { First = new LogIndex(1) }).Write(bytes.AsSpan(at), NonceOf(bytes), at);
        Sectors.FillUnwritten(bytes.AsSpan(at + Sectors.Bytes, Sectors.Bytes), NonceOf(bytes), at + Sectors.Bytes);

        var corruption = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(_disk, Options));

        Assert.Contains("It holds entry 1, and entries up to 1 were committed", corruption.Message, StringComparison.Ordinal);
    }

    /// <summary>The node logs what was cut off, so that it can be compared with what a tool shows.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void The_range_of_a_torn_write_is_reported(int unwrittenSector)
    {
        using (var log = Given.OpenLog(_disk, Options).Log)
        {
            log.AppendAndFlush(Given.Batch(Options, Given.Entry(1, term: 0)));
            log.AppendAndFlush(Given.Batch(Options, Given.Entry(2, term: 0, payloadBytes: 1000)));
        }

        var bytes = _disk.BytesOf(Segment.NameOf(1));
        var at = LastFrameOf(bytes).At + (unwrittenSector * Sectors.Bytes);
        Sectors.FillUnwritten(bytes.AsSpan(at, Sectors.Bytes), NonceOf(bytes), at);

        var (again, recovered) = Given.OpenLog(_disk, Options);
        using var _ = again;

        Assert.Equal(new LogIndex(1), recovered.LastIndex);
        Assert.StartsWith($"{Segment.NameOf(1)}: truncated bytes 1024 to 2560,", recovered.TruncatedTail, StringComparison.Ordinal);
    }

    /// <summary>A larger array would be allocated in the large object heap, for each read.</summary>
    [Fact]
    public void One_call_reads_at_most_64_KiB_unless_an_entry_is_longer()
    {
        var options = new WalOptions { SegmentBytes = 1 << 20, PayloadBytesMax = 100_000, PreallocateInBackground = false };
        using var log = Given.OpenLog(_disk, options).Log;
        log.AppendAndFlush(Given.Batch(options, [.. Given.Entries(1, 50, term: 0, payloadBytes: 4000), Given.Entry(51, 0, 100_000)]));

        _disk.LongestRead = 0;
        Assert.Equal(50, log.Read(new LogIndex(1), new LogIndex(50), 1 << 20, []));
        Assert.InRange(_disk.LongestRead, 60_000, 64 * 1024);
        Assert.Equal(1, log.Read(new LogIndex(51), new LogIndex(51), 1 << 20, []));
        Assert.InRange(_disk.LongestRead, 100_000, 101_000);
    }

    [Theory]
    [InlineData(false, 31)]
    [InlineData(true, 50)]
    public void A_commit_mark_after_the_last_entry_is_corruption(bool reset, int commitMark)
    {
        using (var log = Written())
        {
            if (reset)
                log.ResetTo(new LogIndex(50));
        }

        var bytes = _disk.BytesOf(Segment.NameOf(3));
        var (at, header) = LastFrameOf(bytes);
        (header with { Commit = new LogIndex((ulong)commitMark) }).Write(bytes.AsSpan(at), NonceOf(bytes), at);

        var corruption = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(_disk, Options));

        Assert.Contains("committed entries are missing", corruption.Message, StringComparison.Ordinal);
    }

    private static (int At, WalFrameHeader Header) LastFrameOf(byte[] segment)
    {
        var last = (At: 0, Header: default(WalFrameHeader));
        for (var at = SegmentHeader.Bytes; at < segment.Length; at += Sectors.Bytes)
        {
            if (WalFrameHeader.TryRead(segment.AsSpan(at, Sectors.Bytes), NonceOf(segment), at, out var header))
                last = (at, header);
        }

        return last;
    }

    private static ulong NonceOf(byte[] segment) => BinaryPrimitives.ReadUInt64LittleEndian(segment.AsSpan(24));

    private static IEnumerable<string> SegmentsOf(MemoryStorage disk) =>
        disk.List().Where(static name => name.StartsWith("wal-", StringComparison.Ordinal));

    /// <summary>30 entries in three segments.</summary>
    private WriteAheadLog Written()
    {
        var log = Given.OpenLog(_disk, Options).Log;
        var batch = Given.Batch(Options, Given.Entries(1, 30, payloadBytes: 1000));
        batch.SetHardState(Given.Vote(1, 1));
        log.AppendAndFlush(batch);
        Assert.Equal(3, SegmentsOf(_disk).Count());
        return log;
    }
}
