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

    [Fact]
    public void A_frame_that_claims_to_be_longer_than_its_segment_is_corruption()
    {
        Written().Dispose();
        var bytes = _disk.BytesOf(Segment.NameOf(1));
        Assert.True(WalFrameHeader.TryRead(bytes.AsSpan(Sectors.Bytes), NonceOf(bytes), Sectors.Bytes, out var header));
        (header with { Length = bytes.Length }).Write(bytes.AsSpan(Sectors.Bytes), NonceOf(bytes), Sectors.Bytes);

        var corruption = Assert.Throws<WalCorruptionException>(() => Given.OpenLog(_disk, Options));

        Assert.Contains("does not fit into the segment", corruption.Message, StringComparison.Ordinal);
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
