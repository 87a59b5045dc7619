using System.Buffers;
using BenchmarkDotNet.Attributes;
using Quorate.Kv;

namespace Quorate.Benchmarks.Kv;

/// <summary>
/// Applies puts of 256 bytes to existing, scattered keys: decoding, both trees, the result, and one new root per batch. Periodic compaction
/// keeps the history short.
/// </summary>
[MemoryDiagnoser]
public class PutBenchmarks
{
    private const int Commands = 8192;

    private readonly ReadOnlyMemory<byte>[] _commands = new ReadOnlyMemory<byte>[Commands];
    private FilledStore _store = null!;
    private long _next;

    /// <summary>Keys in the store.</summary>
    [Params(100_000, 1_000_000)]
    public int Keys { get; set; }

    /// <summary>Commands per batch; each batch publishes a new root for readers.</summary>
    [Params(1, 64)]
    public int Batch { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _store = new FilledStore(Keys);
        for (var i = 0; i < Commands; i++)
            _commands[i] = _store.PutCommand(_store.ScatteredKey(i * 131L));
    }

    [Benchmark]
    public KvResult Put()
    {
        if (++_next % 100_000 == 0)
        {
            var compact = new ArrayBufferWriter<byte>();
            KvCommandCodec.Encode(new CompactRequest(_store.Store.Current.Revision), compact);
            _store.Apply(compact.WrittenMemory, endBatch: true);
        }

        return _store.Apply(_commands[_next % Commands], endBatch: _next % Batch == 0);
    }
}
