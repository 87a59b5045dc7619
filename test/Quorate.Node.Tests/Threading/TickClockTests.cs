using Quorate.Node.Threading;

namespace Quorate.Node.Tests.Threading;

/// <summary>Ticks follow from the time that has passed, however often the clock is read.</summary>
public sealed class TickClockTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    private readonly ManualTime _time = new();
    private readonly TickClock _clock;

    public TickClockTests() => _clock = new TickClock(_time, Tick, ticksAtOnceMax: 3);

    /// <summary>
    /// The driver takes ticks in every iteration, and under load an iteration follows at once upon the last one: if each restarted the
    /// tick in progress, a busy node would neither send heartbeats nor start elections.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(9)]
    [InlineData(14)]
    public void A_tick_in_progress_continues_when_ticks_are_taken(int milliseconds)
    {
        var ticks = 0;
        for (var passed = 0; passed < 1000; passed += milliseconds)
        {
            _time.Milliseconds += milliseconds;
            ticks += _clock.TakeTicks();
            Assert.Equal((passed + milliseconds) / 10, ticks);
        }
    }

    [Fact]
    public void The_time_until_the_next_tick_counts_from_when_the_last_one_was_due()
    {
        Assert.Equal(Tick, _clock.UntilNext);
        _time.Milliseconds = 14;
        Assert.Equal(TimeSpan.Zero, _clock.UntilNext);
        Assert.Equal(1, _clock.TakeTicks());
        Assert.Equal(TimeSpan.FromMilliseconds(6), _clock.UntilNext);
        _time.Milliseconds = 19;
        Assert.Equal(0, _clock.TakeTicks());
        Assert.Equal(TimeSpan.FromMilliseconds(1), _clock.UntilNext);
    }

    [Fact]
    public void After_a_pause_the_most_ticks_are_taken_once_and_the_rest_is_forgotten()
    {
        _time.Milliseconds = 39;
        Assert.Equal(3, _clock.TakeTicks());
        _time.Milliseconds = 1005;
        Assert.Equal(3, _clock.TakeTicks());
        _time.Milliseconds = 1014;
        Assert.Equal(0, _clock.TakeTicks());
        _time.Milliseconds = 1015;
        Assert.Equal(1, _clock.TakeTicks());
    }

    private sealed class ManualTime : TimeProvider
    {
        public long Milliseconds { get; set; }

        public override long TimestampFrequency => 1000;

        public override long GetTimestamp() => Milliseconds;
    }
}
