using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Properties;

/// <summary>One thread applies, others read what it published: each snapshot is one state, whole, however long one looks at it.</summary>
public sealed class ReadersNeedNoLock
{
    [Fact]
    public async Task Readers_on_other_threads_see_whole_batches_and_nothing_moves_under_them()
    {
        const int Batches = 3000, PerBatch = 20;
        var store = new StoreUnderTest();
        var written = false;
        var readers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            var looks = 0;
            while (!Volatile.Read(ref written) || looks == 0)
            {
                Look(store.Current);
                looks++;
            }
        })).ToArray();

        // Every batch puts its own number under all keys: a reader that sees two numbers has seen half a batch.
        for (var batch = 0; batch < Batches; batch++)
        {
            for (var i = 0; i < PerBatch; i++)
                store.DoInBatch(Put($"key {(i * 7) % PerBatch}", $"batch {batch}"));
            if (batch % 100 == 99)
                store.DoInBatch(new CompactRequest(store.Revision));
            store.EndBatch();
        }

        Volatile.Write(ref written, true);
        await Task.WhenAll(readers);
        Look(store.Current);

        static void Look(KvSnapshot snapshot)
        {
            var first = Show(snapshot.Range(Range("\0", "\0")));
            snapshot.HashKv(0, out var hash);
            var values = ((RangeResponse)snapshot.Range(Range("\0", "\0")).Response!).Kvs.Select(kv => Text(kv.Value)).ToList();

            Assert.True(values.Count is 0 or PerBatch, $"{values.Count} keys");
            Assert.True(values.Distinct().Count() <= 1, string.Join(", ", values.Distinct()));
            snapshot.HashKv(0, out var again);
            Assert.Equal(hash, again);
            Assert.Equal(first, Show(snapshot.Range(Range("\0", "\0"))));
        }
    }
}
