using BenchmarkDotNet.Attributes;
using Quorate.Kv;

namespace Quorate.Benchmarks.Kv;

/// <summary>Reads from a snapshot: one key, a range of a hundred keys, and a count.</summary>
[MemoryDiagnoser]
public class ReadBenchmarks
{
    private const int Requests = 8192;

    private readonly RangeRequest[] _single = new RangeRequest[Requests];
    private readonly RangeRequest[] _hundred = new RangeRequest[Requests];
    private KvSnapshot _snapshot = null!;
    private int _next;

    /// <summary>Keys in the store.</summary>
    [Params(1_000_000)]
    public int Keys { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var filled = new FilledStore(Keys);
        _snapshot = filled.Store.Current;
        for (var i = 0; i < Requests; i++)
        {
            var key = FilledStore.Key(filled.ScatteredKey(i * 131L));
            _single[i] = new RangeRequest(KeyInterval.Single(key));
            _hundred[i] = new RangeRequest(KeyInterval.From(key)) { Limit = 100 };
        }
    }

    [Benchmark]
    public KvResult Get() => _snapshot.Range(_single[_next++ % Requests]);

    [Benchmark]
    public KvResult Range100() => _snapshot.Range(_hundred[_next++ % Requests]);

    [Benchmark]
    public KvResult Count() => _snapshot.Range(_hundred[_next++ % Requests] with { CountOnly = true });
}
