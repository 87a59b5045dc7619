using System.Diagnostics;
using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Benchmarks.Wal;

/// <summary>
/// Compares the write-ahead log with the raw disk: a loop that writes and flushes the same payload bytes. Run with <c>wal-ratio</c>.
/// </summary>
/// <remarks>
/// The three sides alternate, one write and flush each, so that other load on the computer affects all of them alike. A growing file is
/// what a simple program would use; a file that was filled before is the fastest that the disk allows.
/// </remarks>
internal sealed class RawDiskComparison : IDisposable
{
    private const int FileBytes = 64 << 20;
    private const int PayloadBytes = 1024;
    private const int Rounds = 400;
    private readonly WalOptions _options = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-bench-").FullName;
    private readonly FileStorage _disk;
    private readonly IStorageFile _filled;
    private readonly IStorageFile _growing;
    private readonly WriteAheadLog _log;
    private readonly WalBatch _batch;
    private ulong _next = 1;

    private RawDiskComparison()
    {
        _disk = new FileStorage(_directory);
        _filled = _disk.Create("filled", FileBytes);
        for (var at = 0L; at < FileBytes; at += 1 << 20)
            _filled.Write(at, new byte[1 << 20]);
        _filled.Flush();
        _growing = _disk.Create("growing", 0);
        _log = WriteAheadLog.Open(_disk, _options, IdentityFile.Open(_disk, 1, new NodeId(1), new Configuration([new NodeId(1)]))).Log;
        _batch = new WalBatch(_options);
    }

    /// <summary>Prints one line per batch size.</summary>
    public static void Run()
    {
        Console.WriteLine("1 KiB entries; median µs of write and flush; ratio = raw disk / log, sums and medians");
        foreach (var entries in new[] { 1, 16, 64, 256, 1024 })
        {
            using var bench = new RawDiskComparison();
            bench.Measure(entries);
        }
    }

    public void Dispose()
    {
        _log.Dispose();
        _filled.Dispose();
        _growing.Dispose();
        _disk.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private void Measure(int count)
    {
        var bytes = new byte[count * PayloadBytes];
        new Random(1).NextBytes(bytes);
        var entries = new LogEntry[count];
        var (grow, fill, log) = (new double[Rounds], new double[Rounds], new double[Rounds]);
        for (var round = 0; round < Rounds; round++)
        {
            var at = (long)round * bytes.Length % FileBytes;
            if (at == 0)
                _growing.SetLength(0);
            for (var i = 0; i < count; i++)
                entries[i] = new LogEntry(new EntryId(Term.Zero, new LogIndex(_next++)), EntryKind.Command, ProposalId.None,
                    bytes.AsMemory(i * PayloadBytes, PayloadBytes));

            grow[round] = Time(() => Append(_growing, at, bytes));
            fill[round] = Time(() => Append(_filled, at, bytes));
            log[round] = Time(() => Append(entries));
        }

        Console.WriteLine(
            $"{count,5} entries: growing {Median(grow),7:f0}  filled {Median(fill),7:f0}  log {Median(log),7:f0}   "
            + $"growing/log {grow.Sum() / log.Sum():f2} {Median(grow) / Median(log):f2}   "
            + $"filled/log {fill.Sum() / log.Sum():f2} {Median(fill) / Median(log):f2}");
    }

    private static void Append(IStorageFile file, long at, byte[] bytes)
    {
        file.Write(at, bytes);
        file.Flush();
    }

    private void Append(LogEntry[] entries)
    {
        _batch.Clear();
        _batch.Append(entries);
        _batch.SetCommitIndex(entries[^1].Index);
        _log.AppendAndFlush(_batch);
    }

    private static double Time(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }

    private static double Median(double[] values)
    {
        var sorted = (double[])values.Clone();
        Array.Sort(sorted);
        return sorted[sorted.Length / 2];
    }
}
