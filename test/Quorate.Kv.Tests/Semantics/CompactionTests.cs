using Quorate.Kv.Tree;
using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, CompactionRequest.</summary>
public sealed class CompactionTests
{
    private readonly StoreUnderTest _store = new();

    public CompactionTests()
    {
        _store.Apply(Put("a", "1"));  // 2
        _store.Apply(Put("a", "2"));  // 3
        _store.Apply(Put("b", "1"));  // 4
        _store.Apply(Delete("b"));    // 5
        _store.Apply(Put("a", "3"));  // 6
    }

    [Fact]
    public void The_compact_revision_is_readable_and_earlier_ones_are_not()
    {
        Assert.Equal("@6 compact r6", _store.ApplyAndFormat(new CompactRequest(4)));

        Assert.Same(KvError.Compacted, _store.Current.Range(Range("a") with { Revision = 3 }).Error);
        Assert.Equal(
            "a=2(c2 m3 v2 l0) b=1(c4 m4 v1 l0)", string.Join(' ', _store.Read(Range("a", "z") with { Revision = 4 }).Kvs.Select(Format)));
        Assert.Equal("a", _store.Keys(Range("a", "z") with { Revision = 5 }));
        Assert.Equal(4, _store.Current.CompactRevision);
    }

    [Fact]
    public void A_compaction_creates_no_revision()
    {
        _store.Apply(new CompactRequest(6));

        Assert.Equal(6, _store.Revision);
    }

    [Fact]
    public void A_compaction_at_a_compacted_or_future_revision_is_rejected()
    {
        _store.Apply(new CompactRequest(4));

        Assert.Same(KvError.Compacted, _store.Apply(new CompactRequest(4)).Error);
        Assert.Same(KvError.Compacted, _store.Apply(new CompactRequest(3)).Error);
        Assert.Same(KvError.FutureRevision, _store.Apply(new CompactRequest(7)).Error);
        Assert.Equal(4, _store.Current.CompactRevision);
    }

    [Fact]
    public void The_compact_revision_is_initially_minus_1() => Assert.Equal(-1, _store.Current.CompactRevision);

    [Fact]
    public void A_compaction_frees_the_bytes_of_unreadable_versions()
    {
        _store.Apply(new CompactRequest(6));

        Assert.Equal(2 + 64, _store.Current.SizeBytes);
        Assert.Equal(1, _store.Current.View.History.CountedEntries);
    }

    [Fact]
    public void A_large_compaction_finishes_during_later_commands()
    {
        for (var i = 0; i < 20_000; i++)
            _store.ApplyInBatch(Put($"k{i % 100}", i.ToString()));
        _store.EndBatch();
        var snapshot = _store.Current;
        snapshot.HashKv(0, out var hashBefore);
        _store.Apply(new CompactRequest(_store.Revision));
        _store.Current.HashKv(0, out var hashAtOnce);
        Assert.True(_store.Current.SizeBytes > 1_000_000, "the compaction was swept at once, so this test would show nothing");

        for (var i = 0; i < 20_000 / 8; i++)
            _store.ApplyInBatch(Delete("nothing"));
        _store.EndBatch();

        Assert.Equal(101, _store.Current.View.History.CountedEntries);
        _store.Current.HashKv(0, out var hashAfter);
        Assert.Equal(hashAtOnce, hashAfter);
        Assert.NotEqual(hashBefore.Hash, hashAfter.Hash);
        snapshot.HashKv(0, out var hashThen);
        Assert.Equal(hashBefore, hashThen);
    }

    /// <summary>Otherwise a store whose keys come and go grows although it is compacted.</summary>
    [Fact]
    public void Nothing_is_left_of_a_key_whose_deletion_is_compacted()
    {
        var store = new StoreUnderTest();
        store.Apply(Put("a"));
        store.Apply(Delete("a"));
        store.Apply(Put("b"));
        store.Apply(new CompactRequest(4));
        store.Apply(Delete("nothing"));

        var keys = new List<string>();
        for (var cursor = new TreeCursor(store.Current.View.Keys, []); cursor.IsValid; cursor.MoveNext())
            keys.Add(Text(cursor.Key.ToArray()));
        Assert.Equal(["b"], keys);
    }

    [Fact]
    public void The_hash_of_the_store_is_that_of_its_next_snapshot()
    {
        Assert.Equal(_store.Current.Hash(), _store.Store.Hash());
        var before = _store.Store.Hash();
        _store.Apply(Put("another"));

        Assert.NotEqual(before, _store.Store.Hash());
        Assert.Equal(_store.Current.Hash(), _store.Store.Hash());
    }

    [Fact]
    public void A_hash_at_a_compacted_or_future_revision_is_rejected()
    {
        _store.Apply(new CompactRequest(4));

        Assert.Same(KvError.Compacted, _store.Current.HashKv(3, out _));
        Assert.Same(KvError.FutureRevision, _store.Current.HashKv(7, out _));
        Assert.Null(_store.Current.HashKv(5, out var hash));
        Assert.Equal((4, 5), (hash.CompactRevision, hash.HashRevision));
    }
}
