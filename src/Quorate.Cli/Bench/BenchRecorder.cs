using System.Collections.Concurrent;
using System.Diagnostics;
using HdrHistogram;

namespace Quorate.Cli.Bench;

/// <summary>Records the latencies and errors of all clients. Threading: any thread.</summary>
internal sealed class BenchRecorder
{
    // One microsecond to two minutes with three significant digits: 150 KiB per operation kind.
    private const long LatencyUsMax = 120_000_000;

    private readonly LongConcurrentHistogram[] _latenciesUs =
        [.. Enum.GetValues<BenchOperationKind>().Select(_ => new LongConcurrentHistogram(1, LatencyUsMax, 3))];

    private readonly ConcurrentDictionary<string, long> _errors = new(StringComparer.Ordinal);
    private long _succeededCount;

    /// <summary>The number of operations that have succeeded.</summary>
    public long SucceededCount => Volatile.Read(ref _succeededCount);

    /// <summary>The number of operations that have failed.</summary>
    public long FailedCount => _errors.Values.Sum();

    /// <summary>The number of failed operations by error.</summary>
    public SortedDictionary<string, long> Errors => new(_errors, StringComparer.Ordinal);

    public void RecordSuccess(BenchOperationKind kind, long startedAt)
    {
        var elapsedUs = (long)Stopwatch.GetElapsedTime(startedAt).TotalMicroseconds;
        _latenciesUs[(int)kind].RecordValue(Math.Clamp(elapsedUs, 1, LatencyUsMax));
        Interlocked.Increment(ref _succeededCount);
    }

    public void RecordFailure(string reason) => _errors.AddOrUpdate(reason, 1, static (_, count) => count + 1);

    /// <summary>Returns the latencies of one operation kind, or of all kinds.</summary>
    public HistogramBase Latencies(BenchOperationKind? kind)
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
