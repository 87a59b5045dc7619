using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Properties;

/// <summary>One thread applies, others read the published snapshots: each snapshot is one complete state that never changes.</summary>
public sealed class ConcurrentReaderTests
{
    [Fact]
    public async Task Concurrent_readers_see_whole_immutable_batches()
    {
        const int PerBatch = 20;
        var batches = TestEffort.Of(3000);
        var store = new StoreUnderTest();
        var written = false;
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            var checks = 0;
            while (!Volatile.Read(ref written) || checks == 0)
            {
                CheckSnapshot(store.Current);
                checks++;
            }
        })).ToArray();

        // Every batch writes its own number to all keys: a reader that sees two numbers has seen a partial batch.
        for (var batch = 0; batch < batches; batch++)
        {
            for (var i = 0; i < PerBatch; i++)
                store.ApplyInBatch(Put($"key {(i * 7) % PerBatch}", $"batch {batch}"));
            if (batch % 100 == 99)
                store.ApplyInBatch(new CompactRequest(store.Revision));
            store.EndBatch();
        }

        Volatile.Write(ref written, true);
        await Task.WhenAll(readers);
        CheckSnapshot(store.Current);

        static void CheckSnapshot(KvSnapshot snapshot)
        {
            var first = Format(snapshot.Range(Range("\0", "\0")));
            snapshot.HashKv(0, out var hash);
            var values = ((RangeResponse)snapshot.Range(Range("\0", "\0")).Response!).Kvs.Select(kv => Text(kv.Value)).ToList();

            Assert.True(values.Count is 0 or PerBatch, $"{values.Count} keys");
            Assert.True(values.Distinct().Count() <= 1, string.Join(", ", values.Distinct()));
            snapshot.HashKv(0, out var again);
            Assert.Equal(hash, again);
            Assert.Equal(first, Format(snapshot.Range(Range("\0", "\0"))));
        }
    }
}
