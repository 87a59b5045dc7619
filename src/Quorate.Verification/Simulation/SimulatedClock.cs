namespace Quorate.Verification.Simulation;

/// <summary>The monotonic clock of one simulated machine: it runs at its own rate, may jump ahead, and never goes backwards.</summary>
/// <remarks>
/// It measures durations only. The time of day and timers throw, because their base class would take them from the real clock.
/// </remarks>
internal sealed class SimulatedClock(VirtualTime time, double rate, long start) : TimeProvider
{
    private long _offset = start;
    private double _rate = rate;

    public static SimulatedClock Draw(VirtualTime time, int driftPerMille, Prng prng) =>
        new(time, 1 + (prng.Next(-driftPerMille, driftPerMille + 1) / 1000.0), prng.Between(0, VirtualTime.Second));

    public override long TimestampFrequency => VirtualTime.Second;

    public override TimeZoneInfo LocalTimeZone => throw Unsupported();

    public override long GetTimestamp() => _offset + (long)(time.Now * _rate);

    public override DateTimeOffset GetUtcNow() => throw Unsupported();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => throw Unsupported();

    /// <summary>Makes the clock run at another rate from now on.</summary>
    public void ChangeRate(int driftPerMille, Prng prng)
    {
        var now = GetTimestamp();
        _rate = 1 + (prng.Next(-driftPerMille, driftPerMille + 1) / 1000.0);
        _offset = now - (long)(time.Now * _rate);
    }

    /// <summary>Moves the clock ahead.</summary>
    public void Jump(long span) => _offset += span;

    /// <summary>
    /// Converts a duration of this clock to virtual time, rounded up, so that the duration has passed by then for certain.
    /// </summary>
    public long ToVirtualTime(TimeSpan span) => (long)Math.Ceiling(span.TotalMicroseconds / _rate) + 1;

    private static NotSupportedException Unsupported() =>
        new("a simulated clock only measures durations: the time of day and timers would come from the real clock, not from the seed");
}
