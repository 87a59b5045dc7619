using System.Diagnostics;

namespace Quorate.Load.Servers;

/// <summary>Determines when the operations of one phase start, and when the phase ends. Shared by all threads.</summary>
/// <remarks>
/// Closed loop: an operation starts as soon as a client is idle. Open loop: operation <c>i</c> is due at <c>start + i / rate</c>, whatever
/// the earlier latencies were, and its latency counts from then, also when all clients were busy at that time. Otherwise a stall of the
/// server would be charged to one operation per client ("coordinated omission").
/// </remarks>
internal sealed class OperationSchedule(long? total, TimeSpan duration, double? rate)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly long _end = total is null ? Stopwatch.GetTimestamp() + Ticks(duration.TotalSeconds) : long.MaxValue;
    private long _next;

    /// <summary>The operations that became due before the end and never started, because all clients were busy. Open loop only.</summary>
    public long CountNeverStarted()
    {
        if (rate is not { } perSecond || total is not null)
        {
            return 0;
        }

        // DueAt(i) < _end.
        var due = (long)Math.Ceiling((_end - _start) * perSecond / Stopwatch.Frequency);
        return Math.Max(0, due - Volatile.Read(ref _next));
    }

    /// <summary>Takes the next operation if it is due, and returns the time from which its latency counts.</summary>
    public bool TryStart(long now, out long startedAt)
    {
        startedAt = now;
        if (now >= _end)
        {
            return false;
        }

        if (total is null && rate is null)
        {
            return true;
        }

        while (true)
        {
            var operation = Volatile.Read(ref _next);
            if (operation >= total)
            {
                return false;
            }

            if (rate is not null)
            {
                startedAt = DueAt(operation);
                if (startedAt > now || startedAt >= _end)
                {
                    return false;
                }
            }

            if (Interlocked.CompareExchange(ref _next, operation + 1, operation) == operation)
            {
                return true;
            }
        }
    }

    /// <summary>Whether no operation will start any more.</summary>
    public bool IsOver(long now) => now >= _end || Volatile.Read(ref _next) >= total;

    /// <summary>Returns the time at which the next operation is due or the phase ends; in a closed loop, the end.</summary>
    public long NextEvent() => rate is null ? _end : Math.Min(_end, DueAt(Volatile.Read(ref _next)));

    private static long Ticks(double seconds) => (long)(seconds * Stopwatch.Frequency);

    private long DueAt(long operation) => _start + Ticks(operation / rate!.Value);
}
