using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>
/// etcd v3 API, TxnRequest: execution of transactions. <see cref="TxnValidationTests"/> covers rejection before execution.
/// </summary>
public sealed class TxnTests
{
    private readonly StoreUnderTest _store = new();

    [Fact]
    public void A_transaction_succeeds_only_if_all_comparisons_hold()
    {
        _store.Apply(Put("a", "1"));
        KeyCompare yes = Compare(CompareTarget.Version, "a", CompareResult.Equal, 1), no = CompareValue("a", CompareResult.Equal, "2");

        Assert.True(Run(Txn([yes, yes])).Succeeded);
        Assert.False(Run(Txn([yes, no])).Succeeded);
        Assert.True(Run(Txn()).Succeeded);
    }

    [Theory]
    [InlineData(CompareTarget.Version, 2)]
    [InlineData(CompareTarget.Create, 2)]
    [InlineData(CompareTarget.Mod, 3)]
    [InlineData(CompareTarget.Lease, 0)]
    public void A_number_comparison_supports_four_relations(CompareTarget target, long number)
    {
        _store.Apply(Put("a", "1"));
        _store.Apply(Put("a", "2"));
        foreach (var (result, atLess, atSame, atMore) in new[]
        {
            (CompareResult.Equal, false, true, false), (CompareResult.NotEqual, true, false, true),
            (CompareResult.Greater, true, false, false), (CompareResult.Less, false, false, true),
        })
        {
            Assert.Equal(atLess, Run(Txn([Compare(target, "a", result, number - 1)])).Succeeded);
            Assert.Equal(atSame, Run(Txn([Compare(target, "a", result, number)])).Succeeded);
            Assert.Equal(atMore, Run(Txn([Compare(target, "a", result, number + 1)])).Succeeded);
        }
    }

    [Fact]
    public void A_value_is_compared_byte_by_byte()
    {
        _store.Apply(Put("a", "b\u0080"));

        Assert.True(Run(Txn([CompareValue("a", CompareResult.Equal, "b\u0080")])).Succeeded);
        Assert.True(Run(Txn([CompareValue("a", CompareResult.Greater, "b\u007f")])).Succeeded);
        Assert.True(Run(Txn([CompareValue("a", CompareResult.Less, "c")])).Succeeded);
        Assert.True(Run(Txn([CompareValue("a", CompareResult.Greater, "b")])).Succeeded);
    }

    [Theory]
    [InlineData(CompareResult.Equal)]
    [InlineData(CompareResult.NotEqual)]
    [InlineData(CompareResult.Greater)]
    [InlineData(CompareResult.Less)]
    public void The_value_of_a_missing_key_satisfies_no_comparison(CompareResult result) =>
        Assert.All(new[] { "", "x" }, value => Assert.False(Run(Txn([CompareValue("missing", result, value)])).Succeeded));

    [Theory]
    [InlineData(CompareTarget.Version)]
    [InlineData(CompareTarget.Create)]
    [InlineData(CompareTarget.Mod)]
    [InlineData(CompareTarget.Lease)]
    public void The_numbers_of_a_missing_key_are_0(CompareTarget target) =>
        Assert.True(Run(Txn([Compare(target, "missing", CompareResult.Equal, 0)])).Succeeded);

    [Fact]
    public void A_range_comparison_must_hold_for_every_key()
    {
        _store.Apply(Put("a", "1"));
        _store.Apply(Put("b", "1"));
        _store.Apply(Put("b", "1"));

        Assert.True(OverRange("a", "z", CompareResult.Greater, 0));
        Assert.False(OverRange("a", "z", CompareResult.Greater, 1));
        Assert.False(OverRange("x", "z", CompareResult.Greater, 5));
        Assert.True(OverRange("x", "z", CompareResult.Less, 5));

        bool OverRange(string key, string end, CompareResult result, long version) =>
            Run(Txn([new KeyCompare(Keys(key, end), CompareTarget.Version, result) { Number = version }])).Succeeded;
    }

    [Fact]
    public void An_operation_of_a_transaction_sees_the_effects_of_earlier_operations()
    {
        _store.Apply(Put("old", "0"));

        var response = _store.ApplyAndFormat(
            Txn(then: [Delete("none"), Range("a"), Put("a", "1"), Range("a"), Delete("old"), Range("old"), Delete("none")]));

        Assert.Equal(
            "@3 txn r3 True {delete r2 0 []; range r2 [] more False count 0; put r3 prev none; "
                + "range r3 [a=1(c3 m3 v1 l0)] more False count 1; delete r3 1 []; range r3 [] more False count 0; delete r3 0 []}",
            response);
    }

    [Fact]
    public void A_transaction_creates_one_revision()
    {
        Run(Txn(then: [Put("a", "1"), Put("b", "1"), Put("c", "1")]));

        Assert.Equal(2, _store.Revision);
        Assert.Equal(
            "a=1(c2 m2 v1 l0) b=1(c2 m2 v1 l0) c=1(c2 m2 v1 l0)", string.Join(' ', _store.Read(Range("\0", "\0")).Kvs.Select(Format)));
    }

    [Fact]
    public void A_transaction_without_changes_creates_no_revision()
    {
        Run(Txn(then: [Delete("a"), Range("a")]));
        Run(Txn([Compare(CompareTarget.Version, "a", CompareResult.Greater, 0)], then: [Put("a", "1")]));

        Assert.Equal(1, _store.Revision);
    }

    [Fact]
    public void A_nested_transaction_belongs_to_the_revision_of_its_parent()
    {
        var response = _store.ApplyAndFormat(Txn(then: [Put("a", "1"), Txn(then: [Put("b", "2")]), Range("a", "z")]));

        Assert.Equal(
            "@2 txn r2 True {put r2 prev none; txn r0 True {put r2 prev none}; "
                + "range r2 [a=1(c2 m2 v1 l0) b=2(c2 m2 v1 l0)] more False count 2}",
            response);
    }

    [Fact]
    public void A_nested_comparison_sees_the_state_before_the_whole_transaction()
    {
        var exists = Compare(CompareTarget.Version, "a", CompareResult.Greater, 0);

        var response = Run(Txn(then: [Put("a", "1"), Txn([exists], then: [Put("yes", "")], otherwise: [Put("no", "")])]));

        Assert.False(Assert.IsType<TxnResponse>(response.Responses[1]).Succeeded);
        Assert.Equal("a no", _store.Keys(Range("\0", "\0")));
    }

    /// <summary>etcd #18667: a range that fails in a write transaction must fail before anything is written, on every member.</summary>
    [Fact]
    public void A_transaction_with_a_failing_operation_has_no_effect()
    {
        _store.Apply(Put("a", "1"));
        _store.Apply(Put("a", "2"));
        _store.Apply(new CompactRequest(3));

        Assert.Same(KvError.Compacted, _store.Apply(Txn(then: [Put("b", "1"), Range("a") with { Revision = 2 }])).Error);
        Assert.Same(KvError.FutureRevision, _store.Apply(Txn(then: [Put("b", "1"), Range("a") with { Revision = 4 }])).Error);
        Assert.Same(KvError.LeaseNotFound, _store.Apply(Txn(then: [Put("b", "1"), Put("c", "1") with { Lease = 9 }])).Error);
        Assert.Same(KvError.KeyNotFound, _store.Apply(Txn(then: [Put("b", "1"), Txn(then: [Put("c") with { IgnoreValue = true }])])).Error);
        Assert.Equal(3, _store.Revision);
        Assert.Equal("a", _store.Keys(Range("\0", "\0")));
    }

    [Fact]
    public void A_failing_operation_in_the_branch_not_taken_has_no_effect() =>
        Assert.True(_store.Apply(Txn(then: [Put("a", "1")], otherwise: [Range("a") with { Revision = 99 }])).IsOk);

    [Fact]
    public void A_snapshot_executes_a_read_only_transaction()
    {
        _store.Apply(Put("a", "1"));
        var txn = Txn([Compare(CompareTarget.Mod, "a", CompareResult.Equal, 2)], then: [Range("a"), Txn(then: [Range("b")])]);

        Assert.Equal(
            "@2 txn r2 True {range r2 [a=1(c2 m2 v1 l0)] more False count 1; txn r0 True {range r2 [] more False count 0}}",
            Format(_store.Current.Txn(txn)));
        Assert.Same(KvError.FutureRevision, _store.Current.Txn(Txn(then: [Range("a") with { Revision = 3 }])).Error);
    }

    [Fact]
    public void A_snapshot_rejects_a_transaction_that_may_write() =>
        Assert.Throws<ArgumentException>(() => _store.Current.Txn(Txn(then: [Range("a")], otherwise: [Txn(then: [Delete("a")])])));

    [Fact]
    public void A_key_may_be_put_by_one_nested_transaction_and_deleted_by_a_later_one()
    {
        Run(Txn(then: [Txn(then: [Put("a", "1")]), Txn(then: [Delete("a")])]));

        Assert.Empty(_store.Read(Range("a")).Kvs);
        Assert.Equal(2, _store.Revision);
        _store.Apply(Put("a", "2"));
        Assert.Equal("a=2(c3 m3 v1 l0)", Format(_store.Current.Get("a"u8)!.Value));
    }

    private TxnResponse Run(TxnRequest txn) => Assert.IsType<TxnResponse>(_store.Apply(txn).Response);
}
