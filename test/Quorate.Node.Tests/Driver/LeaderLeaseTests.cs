using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>Reads by the lease of a leader: a core that leads alone, and a clock that the tests set.</summary>
public sealed class LeaderLeaseTests
{
    private const int LeaseMilliseconds = 500;

    /// <summary>A tenth of the lease is given up, because clocks may differ by so much.</summary>
    private const int UsableMilliseconds = 450;

    private static readonly NodeId Self = new(1);
    private static readonly ReadOptions ByLease = new() { AllowLease = true };

    private readonly StoppedClock _clock = new() { Milliseconds = 10_000 };
    private readonly LeaderLease _lease;
    private readonly PendingReads _reads;
    private readonly Effects _effects = new();
    private RaftCore _core;

    public LeaderLeaseTests()
    {
        _lease = new LeaderLease(TimeSpan.FromMilliseconds(LeaseMilliseconds), driftMax: 0.1, _clock);
        _reads = new PendingReads(pendingMax: 100, _clock, _lease);
        _core = Lead(default);
    }

    [Fact]
    public void A_read_by_lease_needs_no_round()
    {
        RenewLease();
        _reads.OnApplied(_core.CommitIndex);

        var read = Result(Add(ByLease));
        Assert.True(read is { IsGranted: true, IsStillValid: true });
        Assert.Equal(_core.CommitIndex, read.Index);
        Assert.False(_reads.TryIssue(out _));
    }

    /// <summary>Another node may have applied and acknowledged what this one has only committed.</summary>
    [Fact]
    public void A_read_by_lease_waits_until_all_that_is_committed_is_applied()
    {
        RenewLease();
        var read = Add(ByLease);
        Assert.False(read.Task.IsCompleted);

        _reads.OnApplied(_core.CommitIndex);
        Assert.True(Result(read) is { IsGranted: true, IsStillValid: true });
    }

    [Fact]
    public void A_read_by_lease_waits_also_for_its_own_index()
    {
        RenewLease();
        _reads.OnApplied(_core.CommitIndex);
        var read = Add(new ReadOptions { AllowLease = true, AtLeastIndex = _core.CommitIndex + 1 });
        Assert.False(read.Task.IsCompleted);

        _reads.OnApplied(_core.CommitIndex + 1);
        Assert.True(Result(read).IsGranted);
    }

    [Fact]
    public void A_read_without_the_option_needs_a_round()
    {
        RenewLease();
        _reads.OnApplied(_core.CommitIndex);

        Assert.False(Add(default).Task.IsCompleted);
        Assert.True(_reads.TryIssue(out _));
    }

    [Fact]
    public void A_read_needs_a_round_when_the_lease_is_over()
    {
        RenewLease();
        _reads.OnApplied(_core.CommitIndex);
        _clock.Milliseconds += UsableMilliseconds;

        Assert.False(Add(ByLease).Task.IsCompleted);
        Assert.True(_reads.TryIssue(out var ticket));
        _reads.OnReadIndexResult(new ReadIndexResult(ticket, _core.CommitIndex, null));
    }

    /// <summary>The process was paused between the barrier and the read of the state machine.</summary>
    [Fact]
    public void A_read_by_lease_is_not_valid_any_more_after_a_pause()
    {
        RenewLease();
        _reads.OnApplied(_core.CommitIndex);
        var read = Result(Add(ByLease));
        _clock.Milliseconds += UsableMilliseconds - 1;
        Assert.True(read.IsStillValid);

        _clock.Milliseconds += 1;
        Assert.False(read.IsStillValid);
        Assert.True(read.IsGranted);
    }

    /// <summary>No lease of a later leader makes up for one that has been lost.</summary>
    [Fact]
    public void A_read_by_lease_is_not_valid_any_more_in_a_later_term_of_the_same_leader()
    {
        RenewLease();
        _reads.OnApplied(_core.CommitIndex);
        var read = Result(Add(ByLease));

        _core = Lead(new HardState(_core.Term, Self));
        RenewLease();
        _reads.OnApplied(_core.CommitIndex);

        Assert.True(Result(Add(ByLease)).IsStillValid);
        Assert.False(read.IsStillValid);
    }

    /// <summary>The next process of this node may vote at once: a leader does not wait for its own lease.</summary>
    [Fact]
    public void A_read_by_lease_is_not_valid_any_more_when_the_node_has_stopped()
    {
        RenewLease();
        _reads.OnApplied(_core.CommitIndex);
        var read = Result(Add(ByLease));
        _reads.FailAll(new NodeStoppedException("stopped"));

        Assert.False(read.IsStillValid);
    }

    [Fact]
    public void A_read_by_a_round_stays_valid()
    {
        var read = Add(ByLease);
        Assert.True(_reads.TryIssue(out var ticket));
        _reads.OnApplied(new LogIndex(3));
        _reads.OnReadIndexResult(new ReadIndexResult(ticket, new LogIndex(3), null));
        _clock.Milliseconds += 1_000_000;

        Assert.True(Result(read).IsStillValid);
        Assert.False(ReadResult.Rejected(RejectReason.Busy).IsStillValid);
    }

    [Theory]
    [InlineData(true, LeaseMilliseconds, true)]
    [InlineData(false, LeaseMilliseconds, false)]
    [InlineData(true, 0, false)]
    public void Leases_need_the_option_and_a_clock_that_counts_suspension(bool hasClock, int milliseconds, bool isOn) =>
        Assert.Equal(isOn, new LeaderLease(TimeSpan.FromMilliseconds(milliseconds), 0, hasClock ? _clock : null).IsOn);

    /// <summary>Starts the process of the only voter, and elects it.</summary>
    private RaftCore Lead(HardState state)
    {
        var options = new RaftOptions
        {
            Self = Self, ElectionTicks = 100, HeartbeatTicks = 10, LeaseDuration = TimeSpan.FromMilliseconds(LeaseMilliseconds),
        };
        _core = new RaftCore(options, new DurableState { HardState = state, Configuration = new Configuration([Self]) });
        while (_core.Role != Role.Leader || _core.CommitIndex == LogIndex.Zero)
            Step(Input.Tick);
        return _core;
    }

    private void RenewLease()
    {
        Step(Input.EndOfIterationAt(_lease.Now));
        _lease.Update(_core);
    }

    private void Step(Input input)
    {
        _core.Step(input, _effects);
        while (!_effects.Append.IsEmpty)
            _core.Step(Input.Durable(_effects.Append.Token), _effects);
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
        public long Milliseconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Milliseconds;
    }
}
