namespace Quorate.Verification.Simulation;

/// <summary>One machine's clock: it goes at its own rate, may leap ahead, and never goes backwards.</summary>
/// <remarks>It measures spans and knows no time of day: whoever asked for that, or for a timer, would bring a real clock into the run.</remarks>
internal sealed class SimulatedClock(VirtualTime time, double rate, long start) : TimeProvider
{
    private long _ahead = start;

    public static SimulatedClock Draw(VirtualTime time, int driftPerMille, Dice dice) =>
        new(time, 1 + (dice.Next(-driftPerMille, driftPerMille + 1) / 1000.0), dice.Between(0, VirtualTime.Second));

    public override long TimestampFrequency => VirtualTime.Second;

    public override TimeZoneInfo LocalTimeZone => throw NotOurs();

    public override long GetTimestamp() => _ahead + (long)(time.Now * rate);

    public override DateTimeOffset GetUtcNow() => throw NotOurs();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => throw NotOurs();

    /// <summary>From now on it shows so much more.</summary>
    public void Leap(long span) => _ahead += span;

    /// <summary>How long a span of this clock is in the world; rounded up, so that it has surely passed.</summary>
    public long ToWorld(TimeSpan span) => (long)Math.Ceiling(span.TotalMicroseconds / rate) + 1;

    private static NotSupportedException NotOurs() => new("a simulated clock measures spans: the time of day and timers are the real world's, and no seed decides them");
}
