using System.Runtime.InteropServices;
using CsCheck;
using Quorate.Kv.Tests.Properties;
using Quorate.Raft;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>
/// <see cref="KvStore.StateHash"/>: members that have applied the same commands have the same, and a difference is not lost by later ones.
/// </summary>
public sealed class StateHashTests
{
    [Fact]
    public void It_does_not_depend_on_the_sweep_nor_on_batches() =>
        Gen.Select(RequestGenerators.CompactingCommand.Array[1, 120], Gen.Int[1, 9]).Sample(
            (commands, batch) =>
            {
                var (slow, fast) = (new StoreUnderTest(sweep: 1), new StoreUnderTest(sweep: 1000));
                for (var i = 0; i < commands.Length; i++)
                {
                    slow.Apply(commands[i]);
                    fast.ApplyInBatch(commands[i]);
                    if (i % batch == 0)
                        fast.EndBatch();
                    Assert.Equal(slow.Store.StateHash, fast.Store.StateHash);
                }
            },
            iter: TestEffort.Of(1000));

    /// <summary>Everything that a request can change is covered: two stores in different states have different hashes.</summary>
    [Fact]
    public void It_differs_after_each_change()
    {
        var hashes = new HashSet<ulong?>();
        var store = new StoreUnderTest(sweep: 1);
        hashes.Add(store.Store.StateHash);
        foreach (var request in new KvRequest[]
        {
            Given.Put("a", "1"),
            Given.Put("a", "1"),
            Given.Delete("a"),
            new LeaseGrantRequest(7, 60),
            Given.Put("a", "1") with { Lease = 7 },
            new LeaseRenewRequest(7),
            new LeaseClockAdvanceRequest(LogIndex.Zero, 500, 0),
            new LeaseClockAdvanceRequest(new LogIndex(7), 500, 400),
            new CompactRequest(2),
            new LeaseRevokeRequest(7),
        })
        {
            store.Apply(request);
            Assert.True(hashes.Add(store.Store.StateHash), $"{request} did not change the hash");
        }
    }

    [Theory]
    [InlineData("key", "valuf", 0)]
    [InlineData("kez", "value", 0)]
    [InlineData("keyv", "alue", 0)]
    [InlineData("key", "value\0", 0)]
    [InlineData("key", "value", 7)]
    public void It_depends_on_the_key_the_value_and_the_lease(string key, string value, long lease)
    {
        Assert.NotEqual(HashAfter(Given.Put("key", "value")), HashAfter(Given.Put(key, value) with { Lease = lease }));
    }

    /// <summary>Every length up to several blocks of the hash function, and every bit.</summary>
    [Fact]
    public void It_depends_on_each_bit_of_a_value()
    {
        var hashes = new HashSet<ulong?>();
        for (var length = 0; length < 50; length++)
        {
            var value = new byte[length];
            Assert.True(hashes.Add(HashAfter(new PutRequest(Given.Bytes("k"), value))));
            for (var bit = 0; bit < 8 * length; bit++)
            {
                value[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.True(hashes.Add(HashAfter(new PutRequest(Given.Bytes("k"), value.ToArray()))), $"bit {bit} of {length} bytes");
                value[bit / 8] ^= (byte)(1 << (bit % 8));
            }
        }
    }

    /// <summary>Members compare hashes at intervals: a difference must still be there when the key was written again and swept.</summary>
    [Fact]
    public void A_difference_remains_when_the_key_is_written_again()
    {
        var (one, other) = (new StoreUnderTest(), new StoreUnderTest());
        one.Apply(Given.Put("k", "a"));
        other.Apply(Given.Put("k", "b"));
        foreach (var request in new KvRequest[] { Given.Put("k", "c"), new CompactRequest(3), Given.Put("l") })
        {
            one.Apply(request);
            other.Apply(request);
        }

        Assert.Equal(one.Current.Hash(), other.Current.Hash());
        Assert.NotEqual(one.Store.StateHash, other.Store.StateHash);
    }

    /// <summary>Members of different builds compare their hashes: a change of the function must not pass unnoticed.</summary>
    [Fact]
    public void It_has_the_value_that_other_builds_compute()
    {
        var store = new StoreUnderTest();
        store.Apply(new LeaseGrantRequest(7, 60));
        store.Apply(Given.Put("a key of more than 16 bytes", "and a value of more than 32 bytes") with { Lease = 7 });
        store.Apply(Given.Delete("a key of more than 16 bytes"));
        Assert.Equal(14_613_884_784_815_171_570ul, store.Store.StateHash);
    }

    [Fact]
    public void A_changed_memory_is_noticed_when_a_snapshot_is_written()
    {
        var store = new StoreUnderTest();
        store.Apply(Given.Put("k", "value"));
        store.Apply(Given.Put("l", "other"));
        var value = new RangeRequest(Given.Keys("k"));
        Assert.True(MemoryMarshal.TryGetArray(store.Read(value).Kvs[0].Value, out var memory));
        memory.Array![memory.Offset] ^= 1;

        var error = Assert.Throws<StateCorruptionException>(() => store.Snapshot());
        Assert.Contains("The versions in memory are not those that the commands have written", error.Message, StringComparison.Ordinal);
    }

    /// <summary>A version that was swept meanwhile takes its changed bytes along; the sum shows that they were never written.</summary>
    [Fact]
    public void A_changed_memory_is_noticed_after_the_version_was_swept()
    {
        var store = new StoreUnderTest();
        store.Apply(Given.Put("k", "value"));
        Assert.True(MemoryMarshal.TryGetArray(store.Read(Given.Range("k")).Kvs[0].Value, out var memory));
        memory.Array![memory.Offset] ^= 1;
        store.Apply(Given.Put("k", "newer"));
        store.Apply(new CompactRequest(3));
        store.Apply(Given.Put("k", "newest"));

        Assert.Throws<StateCorruptionException>(() => store.Snapshot());
    }

    private static ulong? HashAfter(PutRequest put)
    {
        var store = new StoreUnderTest();
        store.Apply(new LeaseGrantRequest(7, 60));
        store.Apply(put);
        return store.Store.StateHash;
    }
}
