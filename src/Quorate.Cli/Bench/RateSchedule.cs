using System.Diagnostics;

namespace Quorate.Cli.Bench;

/// <summary>Determines when the next operation starts and when the phase ends. Shared by all clients of one phase.</summary>
/// <remarks>
/// Closed loop: an operation starts at once. Open loop: operation <c>i</c> is due at <c>start + i / rate</c>, regardless of earlier
/// latencies. A client that is late for its operation, because the previous one was slow, starts at once and measures the latency from the
/// due time. Otherwise only one operation per client would measure a stall of the server ("coordinated omission"). A client that is early
/// sleeps and measures from when it wakes, because the delay of the timer (about a millisecond) is not the server's.
/// </remarks>
internal sealed class RateSchedule(long? total, TimeSpan duration, double? rate)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly long _end = total is null ? Stopwatch.GetTimestamp() + Ticks(duration) : long.MaxValue;
    private long _lastOperation = -1;

    /// <summary>Returns the time from which the next operation's latency is measured, or null when the phase is over.</summary>
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
