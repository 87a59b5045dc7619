using System.Diagnostics;
using HdrHistogram;

namespace Quorate.Load.Servers;

/// <summary>The latencies and errors of one thread; <see cref="Add"/> combines those of several threads.</summary>
internal sealed class ServerLoadRecorder
{
    // One microsecond to two minutes with three significant digits.
    private const long LatencyUsMax = 120_000_000;

    /// <summary>The latencies of the successful operations in microseconds.</summary>
    public LongHistogram LatenciesUs { get; } = new(1, LatencyUsMax, 3);

    /// <summary>Those of them that completed while a file of <see cref="ServerLoadOptions.WhileFiles"/> existed.</summary>
    public LongHistogram WhileFileUs { get; } = new(1, LatencyUsMax, 3);

    /// <summary>The others.</summary>
    public LongHistogram OtherwiseUs { get; } = new(1, LatencyUsMax, 3);

    /// <summary>How long after the time from which its latency counts an operation was sent; more than zero in an open loop only.</summary>
    public LongHistogram DelaysUs { get; } = new(1, LatencyUsMax, 3);

    /// <summary>The number of failed operations by reason.</summary>
    public Dictionary<string, long> Errors { get; } = new(StringComparer.Ordinal);

    public long KeysRead { get; set; }

    public long Completed => LatenciesUs.TotalCount + Errors.Values.Sum();

    public void RecordSuccess(long startedAt, long sentAt, long receivedAt, bool isFilePresent)
    {
        LatenciesUs.RecordValue(Microseconds(startedAt, receivedAt));
        (isFilePresent ? WhileFileUs : OtherwiseUs).RecordValue(Microseconds(startedAt, receivedAt));
        DelaysUs.RecordValue(Microseconds(startedAt, sentAt));
    }

    public void RecordFailure(string reason) => Errors[reason] = Errors.GetValueOrDefault(reason) + 1;

    public void Add(ServerLoadRecorder other)
    {
        LatenciesUs.Add(other.LatenciesUs);
        WhileFileUs.Add(other.WhileFileUs);
        OtherwiseUs.Add(other.OtherwiseUs);
        DelaysUs.Add(other.DelaysUs);
        KeysRead += other.KeysRead;
        foreach (var (reason, count) in other.Errors)
        {
            Errors[reason] = Errors.GetValueOrDefault(reason) + count;
        }
    }

    private static long Microseconds(long from, long to) =>
        Math.Clamp((long)Stopwatch.GetElapsedTime(from, to).TotalMicroseconds, 1, LatencyUsMax);
}
