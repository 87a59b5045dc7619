using System.Diagnostics;

namespace Quorate.Server.Bench;

/// <summary>Says when the next operation begins, and when there are no more. Shared by all clients of one phase.</summary>
/// <remarks>
/// Closed loop: at once. Open loop: operation <c>i</c> is due at <c>start + i / rate</c>, whatever the answers before it took. A client
/// that comes too late for its operation, because the one before was slow, begins at once and counts the latency from when it was due:
/// a server that stalls does not get its stall measured by a single operation ("coordinated omission"). A client that comes early
/// sleeps, and counts from when it wakes, since the lateness of our timer (about a millisecond) is not the server's.
/// </remarks>
internal sealed class RateSchedule(long? total, TimeSpan duration, double? rate)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly long _end = total is null ? Stopwatch.GetTimestamp() + Ticks(duration) : long.MaxValue;
    private long _lastOperation = -1;

    /// <summary>The moment from which the next operation's latency counts, or null when the phase is over.</summary>
    public ValueTask<long?> NextAsync(CancellationToken stop)
    {
        var now = Stopwatch.GetTimestamp();
        if (now >= _end || stop.IsCancellationRequested)
        {
            return new((long?)null);
        }

        if (total is null && rate is null)
        {
            return new(now);
        }

        var operation = Interlocked.Increment(ref _lastOperation);
        if (operation >= total)
        {
            return new((long?)null);
        }

        return rate is { } perSecond ? new(WaitForAsync(_start + Ticks(TimeSpan.FromSeconds(operation / perSecond)), stop)) : new(now);
    }

    private async Task<long?> WaitForAsync(long due, CancellationToken stop)
    {
        if (due >= _end)
        {
            return null;
        }

        var late = true;
        while (Stopwatch.GetTimestamp() < due)
        {
            late = false;
            var rest = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due);
            await Task.Delay(rest > TimeSpan.FromMilliseconds(1) ? rest : TimeSpan.FromMilliseconds(1), stop)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stop.IsCancellationRequested)
            {
                return null;
            }
        }

        return late ? due : Stopwatch.GetTimestamp();
    }

    private static long Ticks(TimeSpan time) => (long)(time.TotalSeconds * Stopwatch.Frequency);
}
