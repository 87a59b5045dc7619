using Quorate.Node.Driver;
using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>Reads at an index and reads whose staleness is bounded, without a core: the tests report its results.</summary>
public sealed class ReadOptionsTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly StoppedClock _clock = new();
    private readonly PendingReads _reads;

    public ReadOptionsTests() => _reads = new PendingReads(pendingMax: 100, _clock);

    [Fact]
    public void A_read_at_an_index_completes_when_exactly_that_index_is_applied()
    {
        var read = Add(new ReadOptions { AtLeastIndex = new LogIndex(5) });
        Assert.False(_reads.TryIssue(out _));

        _reads.OnApplied(new LogIndex(4));
        var second = Add(new ReadOptions { AtLeastIndex = new LogIndex(5) });
        Assert.False(read.Task.IsCompleted || second.Task.IsCompleted);
        _reads.OnApplied(new LogIndex(5));

        Assert.True(Result(second).IsGranted);
        Assert.Equal((true, new LogIndex(5)), (Result(read).IsGranted, Result(read).Index));
        Assert.Equal((0, 0), (_reads.Count, _reads.CountWithAbandoned));
    }

    [Fact]
    public void A_read_at_an_index_that_is_applied_completes_at_once()
    {
        _reads.OnApplied(new LogIndex(7));

        Assert.Equal(new LogIndex(7), Result(Add(new ReadOptions { AtLeastIndex = new LogIndex(5) })).Index);
        Assert.Equal(0, _reads.Count);
    }

    [Fact]
    public void A_bounded_read_is_granted_at_once_while_a_granted_ticket_is_recent()
    {
        Confirm(index: 3);
        _clock.Milliseconds += 1000;

        Assert.True(Add(new ReadOptions { MaxStaleness = Second }).Task.IsCompleted);
        _clock.Milliseconds += 1;
        var late = Add(new ReadOptions { MaxStaleness = Second });

        Assert.False(late.Task.IsCompleted);
        Assert.True(_reads.TryIssue(out var ticket));
        _reads.OnReadIndexResult(new ReadIndexResult(ticket, new LogIndex(3), null));
        Assert.True(Result(late).IsGranted);
        Assert.True(Add(new ReadOptions { MaxStaleness = Second }).Task.IsCompleted);
    }

    /// <summary>What was acknowledged while the request was on its way may be missing: the time counts from its beginning.</summary>
    [Fact]
    public void The_age_of_a_ticket_counts_from_when_it_was_issued()
    {
        Add(default);
        Assert.True(_reads.TryIssue(out var ticket));
        _clock.Milliseconds += 900;
        _reads.OnReadIndexResult(new ReadIndexResult(ticket, LogIndex.Zero, null));
        _clock.Milliseconds += 101;

        Assert.False(Add(new ReadOptions { MaxStaleness = Second }).Task.IsCompleted);
    }

    [Fact]
    public void A_granted_ticket_counts_only_when_its_index_is_applied()
    {
        Add(default);
        Assert.True(_reads.TryIssue(out var ticket));
        _reads.OnReadIndexResult(new ReadIndexResult(ticket, new LogIndex(9), null));
        Assert.False(Add(new ReadOptions { MaxStaleness = Second }).Task.IsCompleted);

        _reads.OnApplied(new LogIndex(9));

        Assert.True(Add(new ReadOptions { MaxStaleness = Second }).Task.IsCompleted);
    }

    [Fact]
    public void A_rejected_ticket_shows_nothing()
    {
        Add(default);
        Assert.True(_reads.TryIssue(out var ticket));
        _reads.OnReadIndexResult(new ReadIndexResult(ticket, LogIndex.Zero, RejectReason.Busy));

        Assert.False(Add(new ReadOptions { MaxStaleness = TimeSpan.FromHours(1) }).Task.IsCompleted);
    }

    [Fact]
    public void An_older_ticket_that_is_granted_later_does_not_shorten_what_is_known()
    {
        Add(default);
        Assert.True(_reads.TryIssue(out var first));
        _clock.Milliseconds += 500;
        Add(default);
        Assert.True(_reads.TryIssue(out var second));
        _reads.OnReadIndexResult(new ReadIndexResult(second, LogIndex.Zero, null));
        _reads.OnReadIndexResult(new ReadIndexResult(first, LogIndex.Zero, null));
        _clock.Milliseconds += 1000;

        Assert.True(Add(new ReadOptions { MaxStaleness = Second }).Task.IsCompleted);
    }

    [Fact]
    public void Both_options_must_hold()
    {
        Confirm(index: 3);
        var fresh = Add(new ReadOptions { MaxStaleness = Second, AtLeastIndex = new LogIndex(5) });
        _clock.Milliseconds += 2000;
        var stale = Add(new ReadOptions { MaxStaleness = Second, AtLeastIndex = new LogIndex(6) });
        Assert.True(_reads.TryIssue(out var ticket));
        _reads.OnReadIndexResult(new ReadIndexResult(ticket, new LogIndex(3), null));

        _reads.OnApplied(new LogIndex(4));
        Assert.False(fresh.Task.IsCompleted || stale.Task.IsCompleted);
        _reads.OnApplied(new LogIndex(5));
        Assert.True(fresh.Task.IsCompleted && !stale.Task.IsCompleted);
        _reads.OnApplied(new LogIndex(6));

        Assert.True(Result(stale).IsGranted);
        Assert.Equal((0, 0), (_reads.Count, _reads.CountWithAbandoned));
    }

    [Fact]
    public void Without_a_clock_that_counts_suspension_nothing_is_known_to_be_recent()
    {
        var reads = new PendingReads(pendingMax: 10);
        Assert.True(reads.TryAdd(out _));
        Assert.True(reads.TryIssue(out var ticket));
        reads.OnReadIndexResult(new ReadIndexResult(ticket, LogIndex.Zero, null));

        Assert.True(reads.TryAdd(out var bounded, new ReadOptions { MaxStaleness = TimeSpan.FromDays(1) }));
        Assert.False(bounded.Task.IsCompleted);
    }

    [Fact]
    public void A_quarantined_node_grants_no_read_from_its_state()
    {
        Confirm(index: 3);
        _reads.RejectAll(RejectReason.Quarantined);

        Assert.Equal(RejectReason.Quarantined, Result(Add(new ReadOptions { MaxStaleness = Second })).Reason);
        Assert.Equal(RejectReason.Quarantined, Result(Add(new ReadOptions { AtLeastIndex = new LogIndex(2) })).Reason);
    }

    [Fact]
    public void Abandoned_reads_at_an_index_are_forgotten()
    {
        for (var i = 0; i < 10_000; i++)
            Add(new ReadOptions { AtLeastIndex = new LogIndex(1_000) }).Cancel();

        Assert.InRange(_reads.CountWithAbandoned, 0, 200);
    }

    [Fact]
    public void The_boot_clock_advances_like_the_monotonic_clock_while_the_computer_is_awake()
    {
        var clock = BootTimeProvider.Instance ?? TimeProvider.System;
        var (boot, monotonic) = (clock.GetTimestamp(), TimeProvider.System.GetTimestamp());
        Thread.Sleep(50);

        var (bootElapsed, elapsed) = (clock.GetElapsedTime(boot), TimeProvider.System.GetElapsedTime(monotonic));

        Assert.InRange((elapsed - bootElapsed).TotalMilliseconds, -5, 20);
        Assert.True(!OperatingSystem.IsLinux() || BootTimeProvider.Instance is not null);
    }

    private void Confirm(ulong index)
    {
        Add(default);
        Assert.True(_reads.TryIssue(out var ticket));
        _reads.OnApplied(new LogIndex(index));
        _reads.OnReadIndexResult(new ReadIndexResult(ticket, new LogIndex(index), null));
    }

    private PendingRead Add(ReadOptions options)
    {
        Assert.True(_reads.TryAdd(out var read, options));
        return read;
    }

    private static ReadResult Result(PendingRead read)
    {
        Assert.True(read.Task.IsCompletedSuccessfully, "the read has no result yet");
        return read.Task.GetAwaiter().GetResult();
    }

    private sealed class StoppedClock : TimeProvider
    {
        public long Milliseconds { get; set; } = 1;

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Milliseconds;
    }
}
