using System.Diagnostics;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Wal;

/// <summary>The log stops, or continues without loss, when calls to its storage fail.</summary>
public sealed class WalStorageFailureTests
{
    /// <summary>fsyncgate: the operating system reports only the first failure. Nothing after it may be trusted.</summary>
    [Theory]
    [InlineData("flush wal")]
    [InlineData("flush hardstate")]
    [InlineData("write wal")]
    [InlineData("write hardstate")]
    public void After_a_failed_write_or_flush_the_log_rejects_every_call(string failing)
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments());
        using var log = Given.OpenLog(disk, options).Log;
        log.AppendAndFlush(Given.Batch(options, Given.Entry(1, term: 0)));
        disk.BeforeCall = call =>
        {
            if (call.StartsWith(failing, StringComparison.Ordinal))
                throw new DiskFlushException("I/O error");
        };
        var batch = Given.Batch(options, Given.Entry(2));
        batch.SetHardState(Given.Vote(1, 1));
        Assert.Throws<DiskFlushException>(() => log.AppendAndFlush(batch));

        // The disk would work again, but the log must not call it.
        disk.BeforeCall = null;
        var calls = disk.Calls;
        var error = Assert.Throws<InvalidOperationException>(() => log.AppendAndFlush(Given.Batch(options, Given.Entry(2))));
        Assert.IsType<DiskFlushException>(error.InnerException);
        Assert.Throws<InvalidOperationException>(() => log.Read(new LogIndex(1), new LogIndex(1), 1, []));
        Assert.Throws<InvalidOperationException>(() => log.DropBefore(new LogIndex(1)));
        Assert.Throws<InvalidOperationException>(() => log.ResetTo(new LogIndex(9)));
        Assert.Equal(calls, disk.Calls);
    }

    /// <summary>
    /// The next segment is preallocated, and half a segment may be acknowledged before it is needed: its failed flush must stop the log at
    /// once.
    /// </summary>
    [Fact]
    public void A_failed_flush_during_preallocation_fails_the_log_at_once()
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments() with { PreallocateInBackground = true });
        using var log = Given.OpenLog(disk, options).Log;
        disk.BeforeCall = static call =>
        {
            if (call == "flush wal-next.new")
                throw new DiskFlushException("I/O error");
        };
        log.AppendAndFlush(Given.Batch(options, Given.Entries(1, 3, term: 0, payloadBytes: 3000)));

        // Nothing to write, so no space is needed.
        var deadline = Stopwatch.StartNew();
        Assert.Throws<DiskFlushException>(() =>
        {
            while (deadline.Elapsed < TimeSpan.FromSeconds(30))
                log.AppendAndFlush(new WalBatch(options));
        });
        Assert.Throws<InvalidOperationException>(() => log.AppendAndFlush(new WalBatch(options)));
    }

    /// <summary>
    /// Space is reserved before a frame is written, so a full disk changes nothing and the batch can continue when there is space.
    /// </summary>
    [Fact]
    public void A_batch_interrupted_by_a_full_disk_can_be_retried()
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments());
        using var log = Given.OpenLog(disk, options).Log;
        disk.BeforeCall = static call =>
        {
            if (call.StartsWith("create", StringComparison.Ordinal))
                throw new IOException("No space left on device");
        };
        var entries = Given.Entries(1, 30, term: 0, payloadBytes: 1000);
        var batch = Given.Batch(options, entries);
        batch.SetCommitIndex(new LogIndex(30));
        for (var i = 0; i < 3; i++)
            Assert.Throws<IOException>(() => log.AppendAndFlush(batch));
        Assert.InRange(log.LastIndex.Value, 5ul, 20ul);
        Given.AssertSameEntries(entries[..(int)log.LastIndex.Value], Given.ReadAll(log));

        disk.BeforeCall = null;
        log.AppendAndFlush(batch);

        Given.AssertSameEntries(entries, Given.ReadAll(log));
        var (again, recovered) = Given.OpenLog(disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped), options);
        using var _ = again;
        Assert.Equal((new LogIndex(30), new LogIndex(30)), (recovered.LastIndex, recovered.CommitMark));
        Given.AssertSameEntries(entries, Given.ReadAll(again));
    }

    /// <summary>A full disk is waited out; a failure of another kind after it ends the log like any other.</summary>
    [Fact]
    public void A_failed_write_after_a_full_disk_fails_the_log()
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments());
        using var log = Given.OpenLog(disk, options).Log;
        var failing = "create";
        disk.BeforeCall = call =>
        {
            if (call.StartsWith(failing, StringComparison.Ordinal))
                throw new IOException("I/O error");
        };
        var batch = Given.Batch(options, Given.Entries(1, 30, term: 0, payloadBytes: 1000));
        Assert.Throws<IOException>(() => log.AppendAndFlush(batch));

        failing = "write hardstate";
        batch.SetHardState(Given.Vote(1, 1));
        Assert.Throws<IOException>(() => log.AppendAndFlush(batch));
        disk.BeforeCall = null;
        Assert.Throws<InvalidOperationException>(() => log.AppendAndFlush(batch));
    }

    [Fact]
    public void An_invalid_append_is_rejected_before_any_write()
    {
        AssertRejected(Given.Entries(3, 3, term: 0)); // leaves a hole
        AssertRejected(Given.Entries(1, 1, term: 0)); // replaces a committed entry
    }

    [Fact]
    public void A_payload_above_the_limit_is_rejected_on_append()
    {
        var batch = new WalBatch(Given.SmallSegments());
        var error = Assert.Throws<ArgumentException>(() => batch.Append([Given.Entry(1, payloadBytes: 4097)]));
        Assert.Contains("PayloadBytesMax", error.Message, StringComparison.Ordinal);
        Assert.True(batch.IsEmpty);
    }

    [Theory]
    [InlineData(16 * 1024 - 1, 1, "SegmentBytes")]
    [InlineData(16 * 1024 + 512, 1, "SegmentBytes")]
    [InlineData(16 * 1024, 4097, "PayloadBytesMax")]
    [InlineData(16 * 1024, 0, "PayloadBytesMax")]
    public void A_log_option_out_of_range_is_rejected_by_name(int segmentBytes, int payloadBytesMax, string option)
    {
        var options = new WalOptions { SegmentBytes = segmentBytes, PayloadBytesMax = payloadBytesMax };
        var error = Assert.Throws<ArgumentOutOfRangeException>(options.Validate);
        Assert.Equal(option, error.ParamName);
    }

    private static void AssertRejected(LogEntry[] entries)
    {
        var (disk, options) = (new MemoryStorage(), Given.SmallSegments());
        using var log = Given.OpenLog(disk, options).Log;
        var first = Given.Batch(options, Given.Entry(1, term: 0));
        first.SetCommitIndex(new LogIndex(1));
        log.AppendAndFlush(first);
        var calls = disk.Calls;

        Assert.Throws<InvariantViolationException>(() => log.AppendAndFlush(Given.Batch(options, entries)));
        Assert.Equal(calls, disk.Calls);
    }
}
