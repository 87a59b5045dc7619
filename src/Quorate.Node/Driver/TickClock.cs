namespace Quorate.Node.Driver;

/// <summary>Turns time into ticks.</summary>
/// <remarks>
/// After a pause (a collector, a stopped process, a suspended machine) the missed ticks are not all made up for: what waited in the sockets meanwhile must
/// be heard before a follower loses patience, and a leader's own timers need only see that time has passed.
/// Threading: ticks are taken by one thread at a time; any may ask meanwhile how long it is to the next.
/// </remarks>
internal sealed class TickClock(TimeProvider time, TimeSpan tick, int ticksAtOnceMax)
{
    private long _last = time.GetTimestamp();

    /// <summary>How long until the next tick is due.</summary>
    public TimeSpan UntilNext
    {
        get
        {
            var left = tick - time.GetElapsedTime(Volatile.Read(ref _last));
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>The ticks that have become due since the last call.</summary>
    public int TakeTicks()
    {
        var due = (int)Math.Min(int.MaxValue, time.GetElapsedTime(_last) / tick);
        if (due <= ticksAtOnceMax)
        {
            Volatile.Write(ref _last, _last + (long)(due * tick.TotalSeconds * time.TimestampFrequency));
            return due;
        }

        Volatile.Write(ref _last, time.GetTimestamp());
        return ticksAtOnceMax;
    }
}
