using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, RangeRequest and RangeResponse.</summary>
public sealed class RangeTests
{
    private readonly StoreUnderTest _store = new();

    public RangeTests()
    {
        foreach (var key in new[] { "a", "b", "b1", "b2", "c", "\u00ff\u00ff" })
            _store.Apply(Put(key, $"value of {key}"));
    }

    [Theory]
    [InlineData("b", "", "b")]
    [InlineData("x", "", "")]
    [InlineData("b", "c", "b b1 b2")]
    [InlineData("b", "\0", "b b1 b2 c \u00ff\u00ff")]
    [InlineData("\0", "\0", "a b b1 b2 c \u00ff\u00ff")]
    [InlineData("c", "b", "")]
    [InlineData("b", "b", "")]
    public void A_range_end_selects_one_key_an_interval_or_all_later_keys(string key, string end, string expected)
    {
        Assert.Equal(expected, _store.Keys(Range(key, end)));
        Assert.Equal(
            expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length,
            _store.Read(Range(key, end) with { CountOnly = true }).Count);
    }

    [Theory]
    [InlineData("b", "b b1 b2")]
    [InlineData("", "a b b1 b2 c \u00ff\u00ff")]
    [InlineData("\u00ff", "\u00ff\u00ff")]
    public void A_prefix_of_only_0xff_extends_to_the_last_key(string prefix, string expected) =>
        Assert.Equal(expected, _store.Keys(new RangeRequest(Prefix(prefix))));

    [Fact]
    public void An_empty_key_is_rejected() => Assert.Same(KvError.KeyNotProvided, _store.Current.Range(Range("")).Error);

    [Theory]
    [InlineData(0, "a b b1 b2 c", false)]
    [InlineData(-1, "a b b1 b2 c", false)]
    [InlineData(2, "a b", true)]
    [InlineData(5, "a b b1 b2 c", false)]
    public void The_limit_bounds_the_results_and_not_the_count(long limit, string keys, bool more)
    {
        var response = _store.Read(Range("a", "d") with { Limit = limit });

        Assert.Equal(keys, string.Join(' ', response.Kvs.Select(kv => Text(kv.Key))));
        Assert.Equal(more, response.More);
        Assert.Equal(5, response.Count);
    }

    [Fact]
    public void The_count_ignores_the_filters()
    {
        var response = _store.Read(Range("\0", "\0") with { MinModRevision = 100, Limit = 1 });

        Assert.Empty(response.Kvs);
        Assert.False(response.More);
        Assert.Equal(6, response.Count);
    }

    [Fact]
    public void Count_only_returns_no_keys()
    {
        var response = _store.Read(Range("\0", "\0") with { CountOnly = true, Limit = 1 });

        Assert.Empty(response.Kvs);
        Assert.False(response.More);
        Assert.Equal(6, response.Count);
    }

    [Fact]
    public void Keys_only_returns_no_values()
    {
        var kv = Assert.Single(_store.Read(Range("b") with { KeysOnly = true }).Kvs);

        Assert.Equal("b=(c3 m3 v1 l0)", Format(kv));
    }

    [Theory]
    [InlineData(SortTarget.Key, SortOrder.Descend, "c b2 b1 b a")]
    [InlineData(SortTarget.Mod, SortOrder.Descend, "a c b2 b1 b")]
    [InlineData(SortTarget.Mod, SortOrder.None, "b b1 b2 c a")]
    [InlineData(SortTarget.Create, SortOrder.Ascend, "a b b1 b2 c")]
    [InlineData(SortTarget.Version, SortOrder.Descend, "a b b1 b2 c")]
    [InlineData(SortTarget.Value, SortOrder.Ascend, "a b b1 b2 c")]
    [InlineData(SortTarget.Value, SortOrder.Descend, "c b2 b1 b a")]
    public void Results_are_sorted_by_the_target_ascending_by_default(SortTarget target, SortOrder order, string expected)
    {
        _store.Apply(Put("a", "a again"));

        Assert.Equal(expected, _store.Keys(Range("a", "d") with { SortTarget = target, SortOrder = order }));
    }

    [Fact]
    public void The_limit_applies_after_sorting() =>
        Assert.Equal("c b2", _store.Keys(Range("a", "d") with { SortTarget = SortTarget.Mod, SortOrder = SortOrder.Descend, Limit = 2 }));

    [Theory]
    [InlineData(3, 0, 0, 0, "b b1 b2 c a")]
    [InlineData(0, 5, 0, 0, "b b1 b2")]
    [InlineData(0, 0, 5, 0, "b2 c")]
    [InlineData(0, 0, 0, 3, "b a")]
    [InlineData(4, 5, 0, 0, "b1 b2")]
    public void Revision_filters_are_inclusive(long minMod, long maxMod, long minCreate, long maxCreate, string expected)
    {
        _store.Apply(Put("a", "again"));

        Assert.Equal(expected, _store.Keys(Range("a", "d") with
        {
            SortTarget = SortTarget.Mod,
            SortOrder = SortOrder.Ascend,
            MinModRevision = minMod,
            MaxModRevision = maxMod,
            MinCreateRevision = minCreate,
            MaxCreateRevision = maxCreate,
        }));
    }

    [Theory]
    [InlineData(3, 0)]
    [InlineData(0, 5)]
    [InlineData(-1, 0)]
    public void An_unknown_sort_option_is_rejected(int order, int target) => Assert.Same(
        KvError.InvalidSortOption,
        _store.Current.Range(Range("a") with { SortOrder = (SortOrder)order, SortTarget = (SortTarget)target }).Error);

    [Fact]
    public void A_read_at_an_old_revision_has_the_current_revision_in_its_header()
    {
        _store.Apply(Put("b", "second"));
        _store.Apply(Delete("b"));

        Assert.Equal(
            "@9 range r9 [b=value of b(c3 m3 v1 l0)] more False count 1", Format(_store.Current.Range(Range("b") with { Revision = 7 })));
        Assert.Equal(
            "@9 range r9 [b=second(c3 m8 v2 l0)] more False count 1", Format(_store.Current.Range(Range("b") with { Revision = 8 })));
    }

    [Fact]
    public void A_deleted_key_is_gone_at_the_revision_of_its_deletion()
    {
        _store.Apply(Delete("b"));

        Assert.Empty(_store.Read(Range("b") with { Revision = 8 }).Kvs);
    }

    [Fact]
    public void A_future_revision_is_rejected() =>
        Assert.Same(KvError.FutureRevision, _store.Current.Range(Range("b") with { Revision = _store.Revision + 1 }).Error);

    [Fact]
    public void A_key_with_a_thousand_versions_is_readable_at_every_revision()
    {
        var first = _store.Revision;
        for (var i = 1; i <= 1000; i++)
            _store.Apply(Put("hot", i.ToString()));

        for (var i = 1; i <= 1000; i++)
            Assert.Equal(i.ToString(), Text(Assert.Single(_store.Read(Range("hot") with { Revision = first + i }).Kvs).Value));
    }

    /// <summary>
    /// A link that skips versions must not lead to the first of two changes of one revision: each revision ends with the deletion.
    /// </summary>
    [Fact]
    public void A_key_that_a_revision_wrote_and_deleted_is_absent_as_of_that_revision()
    {
        var store = new StoreUnderTest();
        var absent = new List<long>();
        for (var i = 0; i < 40; i++)
        {
            absent.Add(store.Apply(Txn(then: [Txn(then: [Put("a", "1")]), Txn(then: [Delete("a")])])).Revision);
            if (i % 3 == 0)
                store.Apply(Put("a", "2"));
            foreach (var revision in absent)
                Assert.Equal(0, ((RangeResponse)store.Current.Range(Range("a") with { Revision = revision }).Response!).Count);
        }
    }

    [Fact]
    public void An_invalid_read_in_a_transaction_on_a_snapshot_is_rejected()
    {
        var store = new StoreUnderTest();

        Assert.Same(
            KvError.InvalidSortOption,
            store.Current.Txn(Txn(then: [Range("a") with { SortOrder = (SortOrder)9 }])).Error);
    }
}
