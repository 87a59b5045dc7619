using Quorate.Load.Proxy;

namespace Quorate.Load.Tests;

/// <summary>The rate of a slow link, on a clock that the tests advance.</summary>
public sealed class PaceTests
{
    private readonly ManualTime _time = new();

    [Fact]
    public void Each_part_waits_for_the_parts_before_it()
    {
        var pace = new Pace(bytesPerSecond: 1000, _time);

        Assert.Equal(100, pace.Take(100).TotalMilliseconds, precision: 3);
        Assert.Equal(200, pace.Take(100).TotalMilliseconds, precision: 3);
        _time.Advance(TimeSpan.FromMilliseconds(150));
        Assert.Equal(150, pace.Take(100).TotalMilliseconds, precision: 3);
    }

    [Fact]
    public void An_idle_link_gives_ten_milliseconds_of_credit_at_most()
    {
        var pace = new Pace(bytesPerSecond: 1000, _time);
        _time.Advance(TimeSpan.FromSeconds(100));

        Assert.Equal(0, pace.Take(10).TotalMilliseconds, precision: 3);
        Assert.Equal(100, pace.Take(100).TotalMilliseconds, precision: 3);
    }

    [Fact]
    public void Without_a_limit_no_part_waits()
    {
        var pace = new Pace(double.PositiveInfinity, _time);

        Assert.True(pace.Take(int.MaxValue) <= TimeSpan.Zero);
        Assert.True(pace.Take(int.MaxValue) <= TimeSpan.Zero);
    }

    private sealed class ManualTime : TimeProvider
    {
        private long _now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => _now;

        public void Advance(TimeSpan time) => _now += time.Ticks;
    }
}
