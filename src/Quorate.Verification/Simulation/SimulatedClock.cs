namespace Quorate.Verification.Simulation;

/// <summary>One machine's clock: it goes at its own rate, may leap ahead, and never goes backwards.</summary>
/// <remarks>It measures spans and knows no time of day: whoever asked for that, or for a timer, would bring a real clock into the run.</remarks>
internal sealed class SimulatedClock(VirtualTime time, double rate, long start) : TimeProvider
{
    private long _offset = start;

    public static SimulatedClock Draw(VirtualTime time, int driftPerMille, Prng prng) =>
        new(time, 1 + (prng.Next(-driftPerMille, driftPerMille + 1) / 1000.0), prng.Between(0, VirtualTime.Second));

    public override long TimestampFrequency => VirtualTime.Second;

    public override TimeZoneInfo LocalTimeZone => throw Unsupported();

    public override long GetTimestamp() => _offset + (long)(time.Now * rate);

    public override DateTimeOffset GetUtcNow() => throw Unsupported();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => throw Unsupported();

    /// <summary>From now on it shows so much more.</summary>
    public void Jump(long span) => _offset += span;

    /// <summary>How long a span of this clock is in the world; rounded up, so that it has surely passed.</summary>
    public long ToVirtualTime(TimeSpan span) => (long)Math.Ceiling(span.TotalMicroseconds / rate) + 1;

    private static NotSupportedException Unsupported() => new("a simulated clock measures spans: the time of day and timers are the real world's, and no seed decides them");
}
