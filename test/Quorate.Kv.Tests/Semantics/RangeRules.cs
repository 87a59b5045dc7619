using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, RangeRequest and RangeResponse.</summary>
public sealed class RangeRules
{
    private readonly StoreUnderTest _store = new();

    public RangeRules()
    {
        foreach (var key in new[] { "a", "b", "b1", "b2", "c", "\u00ff\u00ff" })
            _store.Do(Put(key, $"value of {key}"));
    }

    [Theory]
    [InlineData("b", "", "b")]
    [InlineData("x", "", "")]
    [InlineData("b", "c", "b b1 b2")]
    [InlineData("b", "\0", "b b1 b2 c \u00ff\u00ff")]
    [InlineData("\0", "\0", "a b b1 b2 c \u00ff\u00ff")]
    [InlineData("c", "b", "")]
    [InlineData("b", "b", "")]
    public void The_end_of_a_range_says_one_key_or_an_exclusive_end_or_everything_after(string key, string end, string expected)
    {
        Assert.Equal(expected, _store.Keys(Range(key, end)));
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length, _store.Read(Range(key, end) with { CountOnly = true }).Count);
    }

    [Theory]
    [InlineData("b", "b b1 b2")]
    [InlineData("", "a b b1 b2 c \u00ff\u00ff")]
    [InlineData("\u00ff", "\u00ff\u00ff")]
    public void A_prefix_of_only_0xff_has_no_end(string prefix, string expected) => Assert.Equal(expected, _store.Keys(new RangeRequest(Prefix(prefix))));

    [Fact]
    public void An_empty_key_is_refused() => Assert.Same(KvError.KeyNotProvided, _store.Current.Range(Range("")).Error);

    [Theory]
    [InlineData(0, "a b b1 b2 c", false)]
    [InlineData(-1, "a b b1 b2 c", false)]
    [InlineData(2, "a b", true)]
    [InlineData(5, "a b b1 b2 c", false)]
    public void The_limit_cuts_what_is_answered_and_never_the_count(long limit, string keys, bool more)
    {
        var answer = _store.Read(Range("a", "d") with { Limit = limit });

        Assert.Equal(keys, string.Join(' ', answer.Kvs.Select(kv => Text(kv.Key))));
        Assert.Equal(more, answer.More);
        Assert.Equal(5, answer.Count);
    }

    [Fact]
    public void The_count_is_of_the_range_though_the_filters_leave_nothing()
    {
        var answer = _store.Read(Range("\0", "\0") with { MinModRevision = 100, Limit = 1 });

        Assert.Empty(answer.Kvs);
        Assert.False(answer.More);
        Assert.Equal(6, answer.Count);
    }

    [Fact]
    public void Only_the_count_is_answered_when_only_the_count_is_asked_for()
    {
        var answer = _store.Read(Range("\0", "\0") with { CountOnly = true, Limit = 1 });

        Assert.Empty(answer.Kvs);
        Assert.False(answer.More);
        Assert.Equal(6, answer.Count);
    }

    [Fact]
    public void Keys_only_drops_the_values_and_keeps_the_revisions()
    {
        var kv = Assert.Single(_store.Read(Range("b") with { KeysOnly = true }).Kvs);

        Assert.Equal("b=(c3 m3 v1 l0)", Show(kv));
    }

    [Theory]
    [InlineData(SortTarget.Key, SortOrder.Descend, "c b2 b1 b a")]
    [InlineData(SortTarget.Mod, SortOrder.Descend, "a c b2 b1 b")]
    [InlineData(SortTarget.Mod, SortOrder.None, "b b1 b2 c a")]
    [InlineData(SortTarget.Create, SortOrder.Ascend, "a b b1 b2 c")]
    [InlineData(SortTarget.Version, SortOrder.Descend, "a b b1 b2 c")]
    [InlineData(SortTarget.Value, SortOrder.Ascend, "a b b1 b2 c")]
    [InlineData(SortTarget.Value, SortOrder.Descend, "c b2 b1 b a")]
    public void Sorting_is_by_the_target_and_ascending_when_not_told(SortTarget target, SortOrder order, string expected)
    {
        _store.Do(Put("a", "a again"));

        Assert.Equal(expected, _store.Keys(Range("a", "d") with { SortTarget = target, SortOrder = order }));
    }

    [Fact]
    public void Sorting_comes_before_the_limit() =>
        Assert.Equal("c b2", _store.Keys(Range("a", "d") with { SortTarget = SortTarget.Mod, SortOrder = SortOrder.Descend, Limit = 2 }));

    [Theory]
    [InlineData(3, 0, 0, 0, "b b1 b2 c a")]
    [InlineData(0, 5, 0, 0, "b b1 b2")]
    [InlineData(0, 0, 5, 0, "b2 c")]
    [InlineData(0, 0, 0, 3, "b a")]
    [InlineData(4, 5, 0, 0, "b1 b2")]
    public void Filters_bound_the_mod_and_the_create_revision_inclusively(long minMod, long maxMod, long minCreate, long maxCreate, string expected)
    {
        _store.Do(Put("a", "again"));

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
    public void An_unknown_sort_option_is_refused_and_nobody_falls_over(int order, int target) => Assert.Same(
        KvError.InvalidSortOption, _store.Current.Range(Range("a") with { SortOrder = (SortOrder)order, SortTarget = (SortTarget)target }).Error);

    [Fact]
    public void An_old_revision_shows_what_was_and_a_header_that_says_what_is()
    {
        _store.Do(Put("b", "second"));
        _store.Do(Delete("b"));

        Assert.Equal("@9 range r9 [b=value of b(c3 m3 v1 l0)] more False count 1", Show(_store.Current.Range(Range("b") with { Revision = 7 })));
        Assert.Equal("@9 range r9 [b=second(c3 m8 v2 l0)] more False count 1", Show(_store.Current.Range(Range("b") with { Revision = 8 })));
    }

    [Fact]
    public void A_deleted_key_is_gone_at_the_revision_of_its_deletion()
    {
        _store.Do(Delete("b"));

        Assert.Empty(_store.Read(Range("b") with { Revision = 8 }).Kvs);
    }

    [Fact]
    public void A_revision_that_has_not_happened_is_refused() =>
        Assert.Same(KvError.FutureRevision, _store.Current.Range(Range("b") with { Revision = _store.Revision + 1 }).Error);

    [Fact]
    public void A_key_put_a_thousand_times_is_still_read_as_it_was_at_every_revision()
    {
        var first = _store.Revision;
        for (var i = 1; i <= 1000; i++)
            _store.Do(Put("hot", i.ToString()));

        for (var i = 1; i <= 1000; i++)
            Assert.Equal(i.ToString(), Text(Assert.Single(_store.Read(Range("hot") with { Revision = first + i }).Kvs).Value));
    }
}
