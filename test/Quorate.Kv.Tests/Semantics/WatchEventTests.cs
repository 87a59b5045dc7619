using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, Watch: the content of events, and the limit that compaction sets.</summary>
public sealed class WatchEventTests
{
    private readonly StoreUnderTest _store = new();

    [Fact]
    public void A_delete_event_carries_the_previous_value_only_on_request()
    {
        _store.Apply(Put("a", "1"));
        _store.Apply(Delete("a"));

        Assert.Equal("delete a=(c0 m3 v0 l0) before a=1(c2 m2 v1 l0)", Events(_store.Current, All() with { PrevKv = true }, 3));
        Assert.Equal("delete a=(c0 m3 v0 l0) before none", Events(_store.Current, All(), 3));
    }

    [Fact]
    public void An_event_batch_never_splits_a_revision()
    {
        _store.Apply(Txn(then: [Put("a"), Put("b"), Put("c")]));
        _store.Apply(Put("d"));

        Assert.Null(_store.Current.Events(All() with { MaxChanges = 1, MaxBytes = 1 }, 0, out var batch));

        Assert.Equal(["a", "b", "c"], batch.Events.Select(e => Text(e.Kv.Key)));
        Assert.Equal(3, batch.Next);
    }

    [Fact]
    public void An_event_batch_scans_a_bounded_number_of_unmatched_changes()
    {
        for (var i = 0; i < 10; i++)
            _store.Apply(Put("other"));

        Assert.Null(_store.Current.Events(new WatchEventRequest(Keys("a")) { MaxChanges = 4 }, 0, out var batch));

        Assert.Empty(batch.Events);
        Assert.Equal(6, batch.Next);
    }

    [Fact]
    public void A_read_of_events_from_a_future_revision_returns_none()
    {
        Assert.Null(_store.Current.Events(All(), 100, out var batch));

        Assert.Empty(batch.Events);
        Assert.Equal(100, batch.Next);
    }

    [Fact]
    public void Events_are_available_from_the_compact_revision_on()
    {
        _store.Apply(Put("a", "1"));
        _store.Apply(Put("a", "2"));
        _store.Apply(Put("a", "3"));
        _store.Apply(new CompactRequest(3));

        Assert.Same(KvError.Compacted, _store.Current.Events(All(), 2, out _));
        Assert.Equal(
            "put a=2(c2 m3 v2 l0) before none\nput a=3(c2 m4 v3 l0) before a=2(c2 m3 v2 l0)",
            Events(_store.Current, All() with { PrevKv = true }, 3));
    }

    /// <summary>etcd #18089: a watcher from the compact revision on missed the deletion made there.</summary>
    [Fact]
    public void A_delete_event_at_the_compact_revision_is_readable_until_the_next_compaction()
    {
        _store.Apply(Put("a"));
        _store.Apply(Delete("a"));
        _store.Apply(Put("b"));
        _store.Apply(new CompactRequest(3));

        Assert.Equal(
            "delete a=(c0 m3 v0 l0) before none\nput b=(c4 m4 v1 l0) before none", Events(_store.Current, All() with { PrevKv = true }, 3));
        var size = _store.Current.SizeBytes;
        _store.Apply(new CompactRequest(4));
        Assert.True(_store.Current.SizeBytes < size);
    }

    /// <summary>A nested put before a nested delete of the same key is the only way to change a key twice in one revision.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Both_changes_of_a_key_in_the_compact_revision_are_readable_until_the_next_compaction(int sweep)
    {
        var store = new StoreUnderTest(sweep);
        store.Apply(Put("a", "1"));
        store.Apply(Txn(then: [Txn(then: [Put("a", "2")]), Txn(then: [Delete("a")])]));
        store.Apply(Put("b"));
        var events = Events(store.Current, All(), 3);
        Assert.Equal("put a=2(c2 m3 v2 l0) before none\ndelete a=(c0 m3 v0 l0) before none\nput b=(c4 m4 v1 l0) before none", events);

        store.Apply(new CompactRequest(3));
        store.Current.HashKv(0, out var hash);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(events, Events(store.Current, All(), 3));
            store.Current.HashKv(0, out var later);
            Assert.Equal(hash, later);
            store.Apply(Delete("nothing"));
        }

        store.Apply(new CompactRequest(4));
        for (var i = 0; i < 10; i++)
            store.Apply(Delete("nothing"));
        Assert.Equal(1, store.Current.View.History.CountedEntries);
    }

    /// <summary>The previous value of an event is that of the revision before, whatever the same revision did to the key first.</summary>
    [Fact]
    public void The_previous_value_is_not_one_of_the_same_revision()
    {
        var store = new StoreUnderTest();
        store.Apply(Put("a", "1"));
        store.Apply(Txn(then: [Txn(then: [Put("a", "2")]), Txn(then: [Delete("a")])]));

        Assert.Equal(
            "put a=2(c2 m3 v2 l0) before a=1(c2 m2 v1 l0)\ndelete a=(c0 m3 v0 l0) before a=1(c2 m2 v1 l0)",
            Events(store.Current, All() with { PrevKv = true }, 3));
    }

    private static WatchEventRequest All() => new(KeyInterval.All);
}
