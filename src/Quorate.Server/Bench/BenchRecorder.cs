using System.Collections.Concurrent;
using System.Diagnostics;
using HdrHistogram;

namespace Quorate.Server.Bench;

/// <summary>Takes the latencies and errors of all clients. Threading: any.</summary>
internal sealed class BenchRecorder
{
    // One microsecond to two minutes with three significant digits: 150 KiB a kind.
    private const long LatencyUsMax = 120_000_000;

    private readonly LongConcurrentHistogram[] _latenciesUs =
        [.. Enum.GetValues<OperationKind>().Select(_ => new LongConcurrentHistogram(1, LatencyUsMax, 3))];

    private readonly ConcurrentDictionary<string, long> _errors = new(StringComparer.Ordinal);
    private long _succeededCount;

    /// <summary>Operations that succeeded so far.</summary>
    public long SucceededCount => Volatile.Read(ref _succeededCount);

    /// <summary>Operations that failed so far.</summary>
    public long FailedCount => _errors.Values.Sum();

    /// <summary>Failed operations by what the server said.</summary>
    public SortedDictionary<string, long> Errors => new(_errors, StringComparer.Ordinal);

    public void RecordSuccess(OperationKind kind, long startedAt)
    {
        var elapsedUs = (long)Stopwatch.GetElapsedTime(startedAt).TotalMicroseconds;
        _latenciesUs[(int)kind].RecordValue(Math.Clamp(elapsedUs, 1, LatencyUsMax));
        Interlocked.Increment(ref _succeededCount);
    }

    public void RecordFailure(string reason) => _errors.AddOrUpdate(reason, 1, static (_, count) => count + 1);

    /// <summary>The latencies of one kind, or of all together.</summary>
    public HistogramBase Latencies(OperationKind? kind)
    {
        if (kind is { } one)
        {
            return _latenciesUs[(int)one];
        }

        var all = new LongHistogram(1, LatencyUsMax, 3);
        foreach (var histogram in _latenciesUs)
        {
            all.Add(histogram);
        }

        return all;
    }
}
