namespace Quorate.Node.Threading;

/// <summary>Converts elapsed time into ticks.</summary>
/// <remarks>
/// After a pause (garbage collection, a stopped process, a suspended computer) only some of the missed ticks are delivered: a follower must
/// first process the messages that arrived in its sockets meanwhile, before its election timeout expires, and a leader's own timers need
/// only observe that time has passed.
/// Threading: one thread at a time takes ticks; any thread may read <see cref="UntilNext"/> meanwhile.
/// </remarks>
internal sealed class TickClock(TimeProvider time, TimeSpan tick, int ticksAtOnceMax)
{
    private long _last = time.GetTimestamp();

    /// <summary>The time until the next tick is due.</summary>
    public TimeSpan UntilNext
    {
        get
        {
            var left = tick - time.GetElapsedTime(Volatile.Read(ref _last));
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    /// <summary>Returns the number of ticks that have become due since the last call, at most <c>ticksAtOnceMax</c>.</summary>
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
