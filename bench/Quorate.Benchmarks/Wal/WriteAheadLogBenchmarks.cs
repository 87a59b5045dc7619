using BenchmarkDotNet.Attributes;
using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Benchmarks.Wal;

/// <summary>
/// Fills, appends and flushes one batch on storage that costs nothing: measures the time of our code, and that it allocates nothing per
/// entry or batch. The allocations of a new segment, about a kilobyte every 64 MiB, are spread over the batches that fill it.
/// </summary>
[MemoryDiagnoser]
public class WriteAheadLogBenchmarks
{
    private readonly WalOptions _options = new() { PreallocateInBackground = false };
    private WriteAheadLog _log = null!;
    private WalBatch _batch = null!;
    private LogEntry[] _entries = [];
    private ulong _next = 1;
    private long _sinceDrop;

    [Params(1, 64, 1024)]
    public int Entries { get; set; }

    [Params(128, 1024)]
    public int PayloadBytes { get; set; }

    [GlobalSetup]
    public void Open()
    {
        var storage = new MemoryStorage();
        var identity = IdentityFile.Open(storage, clusterId: 1, new NodeId(1), new Configuration([new NodeId(1)]));
        _log = WriteAheadLog.Open(storage, _options, identity).Log;
        _batch = new WalBatch(_options);
        _entries = new LogEntry[Entries];

        // Warm up: the memory of the first segments is new, later segments reuse it.
        for (var bytes = 0L; bytes < 4L * _options.SegmentBytes; bytes += _batch.SizeBytes)
            AppendAndFlush();
    }

    [GlobalCleanup]
    public void Close() => _log.Dispose();

    [Benchmark]
    public void AppendAndFlush()
    {
        for (var i = 0; i < _entries.Length; i++)
            _entries[i] = new LogEntry(new EntryId(Term.Zero, new LogIndex(_next++)), EntryKind.Command,
                new ProposalId(new NodeId(1), _next), Payload(PayloadBytes));

        _batch.Clear();
        _batch.Append(_entries);
        _batch.SetCommitIndex(new LogIndex(_next - 1));
        _log.AppendAndFlush(_batch);

        // Drop entries as compaction does, so that the log stays one or two segments long.
        _sinceDrop += _batch.SizeBytes;
        if (_sinceDrop > _options.SegmentBytes)
        {
            _log.DropBefore(_log.LastIndex);
            _sinceDrop = 0;
        }
    }

    private static readonly byte[] Bytes = MakeBytes();

    private static ReadOnlyMemory<byte> Payload(int length) => Bytes.AsMemory(0, length);

    private static byte[] MakeBytes()
    {
        var bytes = new byte[4096];
        new Random(1).NextBytes(bytes);
        return bytes;
    }
}
