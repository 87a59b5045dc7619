using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, Watch: what is told of a change, and where compaction sets an end.</summary>
public sealed class EventRules
{
    private readonly StoreUnderTest _store = new();

    [Fact]
    public void A_deletion_tells_the_key_and_its_revision_and_what_was_before_if_asked()
    {
        _store.Do(Put("a", "1"));
        _store.Do(Delete("a"));

        Assert.Equal("delete a=(c0 m3 v0 l0) before a=1(c2 m2 v1 l0)", Events(_store.Current, All() with { PrevKv = true }, 3));
        Assert.Equal("delete a=(c0 m3 v0 l0) before none", Events(_store.Current, All(), 3));
    }

    [Fact]
    public void A_revision_is_never_divided_however_little_is_asked_for()
    {
        _store.Do(Txn(then: [Put("a"), Put("b"), Put("c")]));
        _store.Do(Put("d"));

        Assert.Null(_store.Current.Events(All() with { ChangesMax = 1, BytesMax = 1 }, 0, out var batch));

        Assert.Equal(["a", "b", "c"], batch.Events.Select(e => Text(e.Kv.Key)));
        Assert.Equal(3, batch.Next);
    }

    [Fact]
    public void What_is_not_wanted_is_passed_over_in_rounds_that_end()
    {
        for (var i = 0; i < 10; i++)
            _store.Do(Put("other"));

        Assert.Null(_store.Current.Events(new EventRequest(Keys("a")) { ChangesMax = 4 }, 0, out var batch));

        Assert.Empty(batch.Events);
        Assert.Equal(6, batch.Next);
    }

    [Fact]
    public void A_revision_ahead_has_nothing_to_tell_yet_and_stays_where_it_is()
    {
        Assert.Null(_store.Current.Events(All(), 100, out var batch));

        Assert.Empty(batch.Events);
        Assert.Equal(100, batch.Next);
    }

    [Fact]
    public void Before_the_compact_revision_nothing_is_told_and_from_it_on_everything()
    {
        _store.Do(Put("a", "1"));
        _store.Do(Put("a", "2"));
        _store.Do(Put("a", "3"));
        _store.Do(new CompactRequest(3));

        Assert.Same(KvError.Compacted, _store.Current.Events(All(), 2, out _));
        Assert.Equal(
            "put a=2(c2 m3 v2 l0) before none\nput a=3(c2 m4 v3 l0) before a=2(c2 m3 v2 l0)", Events(_store.Current, All() with { PrevKv = true }, 3));
    }

    /// <summary>etcd #18089: a watcher from the compact revision on missed the deletion made there.</summary>
    [Fact]
    public void A_deletion_at_the_compact_revision_is_told_until_the_next_compaction()
    {
        _store.Do(Put("a"));
        _store.Do(Delete("a"));
        _store.Do(Put("b"));
        _store.Do(new CompactRequest(3));

        Assert.Equal("delete a=(c0 m3 v0 l0) before none\nput b=(c4 m4 v1 l0) before none", Events(_store.Current, All() with { PrevKv = true }, 3));
        var size = _store.Current.SizeBytes;
        _store.Do(new CompactRequest(4));
        Assert.True(_store.Current.SizeBytes < size);
    }

    private static EventRequest All() => new(KeyInterval.All);
}
