using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, CompactionRequest.</summary>
public sealed class CompactionRules
{
    private readonly StoreUnderTest _store = new();

    public CompactionRules()
    {
        _store.Do(Put("a", "1"));  // 2
        _store.Do(Put("a", "2"));  // 3
        _store.Do(Put("b", "1"));  // 4
        _store.Do(Delete("b"));    // 5
        _store.Do(Put("a", "3"));  // 6
    }

    [Fact]
    public void The_compacted_revision_itself_can_be_read_and_what_was_before_cannot()
    {
        Assert.Equal("@6 compact r6", _store.Show(new CompactRequest(4)));

        Assert.Same(KvError.Compacted, _store.Current.Range(Range("a") with { Revision = 3 }).Error);
        Assert.Equal("a=2(c2 m3 v2 l0) b=1(c4 m4 v1 l0)", string.Join(' ', _store.Read(Range("a", "z") with { Revision = 4 }).Kvs.Select(Show)));
        Assert.Equal("a", _store.Keys(Range("a", "z") with { Revision = 5 }));
        Assert.Equal(4, _store.Current.CompactRevision);
    }

    [Fact]
    public void Compacting_makes_no_revision()
    {
        _store.Do(new CompactRequest(6));

        Assert.Equal(6, _store.Revision);
    }

    [Fact]
    public void What_is_compacted_already_and_what_has_not_happened_is_refused()
    {
        _store.Do(new CompactRequest(4));

        Assert.Same(KvError.Compacted, _store.Do(new CompactRequest(4)).Error);
        Assert.Same(KvError.Compacted, _store.Do(new CompactRequest(3)).Error);
        Assert.Same(KvError.FutureRevision, _store.Do(new CompactRequest(7)).Error);
        Assert.Equal(4, _store.Current.CompactRevision);
    }

    [Fact]
    public void Nothing_was_compacted_is_minus_1() => Assert.Equal(-1, _store.Current.CompactRevision);

    [Fact]
    public void The_bytes_of_what_cannot_be_read_any_more_are_given_back()
    {
        _store.Do(new CompactRequest(6));

        Assert.Equal(2 + 64, _store.Current.SizeBytes);
        Assert.Equal(1, _store.Current.View.History.Counted);
    }

    [Fact]
    public void A_large_compaction_goes_on_with_the_commands_that_follow_and_ends()
    {
        for (var i = 0; i < 20_000; i++)
            _store.DoInBatch(Put($"k{i % 100}", i.ToString()));
        _store.EndBatch();
        var snapshot = _store.Current;
        snapshot.HashKv(0, out var hashBefore);
        _store.Do(new CompactRequest(_store.Revision));
        _store.Current.HashKv(0, out var hashAtOnce);
        Assert.True(_store.Current.SizeBytes > 1_000_000, "swept in one go: this test shows nothing then");

        for (var i = 0; i < 20_000 / 8; i++)
            _store.DoInBatch(Delete("nothing"));
        _store.EndBatch();

        Assert.Equal(101, _store.Current.View.History.Counted);
        _store.Current.HashKv(0, out var hashAfter);
        Assert.Equal(hashAtOnce, hashAfter);
        Assert.NotEqual(hashBefore.Hash, hashAfter.Hash);
        snapshot.HashKv(0, out var hashThen);
        Assert.Equal(hashBefore, hashThen);
    }

    [Fact]
    public void A_hash_of_what_was_compacted_or_has_not_happened_is_refused()
    {
        _store.Do(new CompactRequest(4));

        Assert.Same(KvError.Compacted, _store.Current.HashKv(3, out _));
        Assert.Same(KvError.FutureRevision, _store.Current.HashKv(7, out _));
        Assert.Null(_store.Current.HashKv(5, out var hash));
        Assert.Equal((4, 5), (hash.CompactRevision, hash.HashRevision));
    }
}
