using System.Diagnostics;
using HdrHistogram;

namespace Quorate.Load;

/// <summary>The result of one run. Latencies are in microseconds.</summary>
internal sealed record Measurement(
    string Target,
    int Writers,
    double WritesPerSecond,
    double P50Us,
    double P99Us,
    double P999Us,
    double MaxUs,
    double CpuUsPerWrite,
    double AllocatedBytesPerWrite,
    long Writes,
    long Errors,
    string? FirstError);

/// <summary>
/// Records one run: latencies from any thread, and the CPU time and allocations of the process between <see cref="Begin"/> and
/// <see cref="End"/>.
/// </summary>
/// <remarks>
/// Writes that end before <see cref="Begin"/> (warm-up) or after <see cref="End"/> are not counted.
/// The CPU time is that of the whole process, the three members and the writers together.
/// </remarks>
internal sealed class Recorder
{
    // One microsecond to two minutes, three significant digits: about 150 KiB, shared by all writers.
    private readonly LongConcurrentHistogram _latenciesUs = new(1, 120_000_000, 3);
    private long _errors;
    private string? _firstError;
    private volatile bool _isRecording;
    private long _startedAt;
    private long _endedAt;
    private TimeSpan _cpu;
    private long _allocated;

    public void Begin()
    {
        _cpu = Environment.CpuUsage.TotalTime;
        _allocated = GC.GetTotalAllocatedBytes();
        _startedAt = Stopwatch.GetTimestamp();
        _isRecording = true;
    }

    public void End()
    {
        _isRecording = false;
        _endedAt = Stopwatch.GetTimestamp();
        _cpu = Environment.CpuUsage.TotalTime - _cpu;
        _allocated = GC.GetTotalAllocatedBytes() - _allocated;
    }

    /// <summary>Records writes that began at <paramref name="startedAt"/> and have just completed.</summary>
    public void Record(long startedAt, int count = 1)
    {
        if (_isRecording)
        {
            var elapsed = Stopwatch.GetElapsedTime(startedAt);
            _latenciesUs.RecordValueWithCount(Math.Clamp((long)elapsed.TotalMicroseconds, 1, 120_000_000), count);
        }
    }

    public void RecordError(string reason)
    {
        Interlocked.CompareExchange(ref _firstError, reason, null);
        Interlocked.Increment(ref _errors);
    }

    public Measurement Report(string target, LoadOptions options)
    {
        var writes = _latenciesUs.TotalCount;
        var seconds = Stopwatch.GetElapsedTime(_startedAt, _endedAt).TotalSeconds;
        return new Measurement(
            target,
            options.Writers,
            writes / seconds,
            _latenciesUs.GetValueAtPercentile(50),
            _latenciesUs.GetValueAtPercentile(99),
            _latenciesUs.GetValueAtPercentile(99.9),
            writes == 0 ? 0 : _latenciesUs.GetMaxValue(),
            writes == 0 ? 0 : _cpu.TotalMicroseconds / writes,
            writes == 0 ? 0 : (double)_allocated / writes,
            writes,
            Interlocked.Read(ref _errors),
            _firstError);
    }
}
