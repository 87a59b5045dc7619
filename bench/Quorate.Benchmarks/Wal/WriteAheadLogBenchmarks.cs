using BenchmarkDotNet.Attributes;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Benchmarks.Wal;

/// <summary>One batch filled and committed, on a disk that costs nothing: our code's time, and that nothing is allocated per
/// entry or batch; what a new segment takes, a kilobyte or so every 64 MiB, is spread over the batches that fill it.</summary>
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
        _log = WriteAheadLog.Open(new MemoryStorage(), _options).Log;
        _batch = new WalBatch(_options);
        _entries = new LogEntry[Entries];

        // The first segments' memory is new; from then on it is used again.
        for (var bytes = 0L; bytes < 4L * _options.SegmentBytes; bytes += _batch.SizeBytes)
            AppendAndFlush();
    }

    [GlobalCleanup]
    public void Close() => _log.Dispose();

    [Benchmark]
    public void AppendAndFlush()
    {
        for (var i = 0; i < _entries.Length; i++)
            _entries[i] = new LogEntry(new EntryId(Term.Zero, new LogIndex(_next++)), EntryKind.Command, new ProposalId(new NodeId(1), _next), Payload(PayloadBytes));

        _batch.Clear();
        _batch.Append(_entries);
        _batch.SetCommitIndex(new LogIndex(_next - 1));
        _log.AppendAndFlush(_batch);

        // As compaction does, so that the log is as long as a segment or two.
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
