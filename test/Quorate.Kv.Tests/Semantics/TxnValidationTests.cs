using static Quorate.Kv.Tests.Given;

namespace Quorate.Kv.Tests.Semantics;

/// <summary>etcd v3 API, TxnRequest: invalid transactions, rejected before they are proposed, and at apply as well.</summary>
public sealed class TxnValidationTests
{
    [Theory]
    [InlineData(128, true)]
    [InlineData(129, false)]
    public void Each_operation_list_may_be_as_long_as_the_limit(int length, bool allowed)
    {
        KvOperation[] puts = [.. Enumerable.Range(0, length).Select(i => Put($"k{i}"))];
        KeyCompare[] compares =
            [.. Enumerable.Range(0, length).Select(i => Compare(CompareTarget.Version, $"k{i}", CompareResult.Equal, 0))];
        var expected = allowed ? null : KvError.TooManyOperations;

        Assert.Same(expected, RequestValidator.Validate(Txn(then: puts), KvLimits.Default));
        Assert.Same(expected, RequestValidator.Validate(Txn(otherwise: puts), KvLimits.Default));
        Assert.Same(expected, RequestValidator.Validate(Txn(compares), KvLimits.Default));
    }

    [Theory]
    [InlineData(100, 28, true)]
    [InlineData(100, 29, false)]
    public void A_nested_transaction_shares_the_remaining_operation_limit(int outer, int inner, bool allowed)
    {
        var nested = Txn(then: [.. Enumerable.Range(0, inner).Select(i => Put($"inner{i}"))]);
        KvOperation[] ops = [nested, .. Enumerable.Range(1, outer - 1).Select(i => Put($"outer{i}"))];

        Assert.Same(allowed ? null : KvError.TooManyOperations, RequestValidator.Validate(Txn(then: ops), KvLimits.Default));
    }

    [Fact]
    public void The_operation_limit_is_not_checked_at_apply()
    {
        var store = new StoreUnderTest();

        Assert.True(store.Apply(Txn(then: [.. Enumerable.Range(0, 200).Select(i => Put($"k{i}"))])).IsOk);
    }

    public static TheoryData<string, bool> Writes() => new()
    {
        { "put a; put b", true },
        { "put a; put a", false },
        { "put a; del a", false },
        { "del a; put a", false },
        { "del a..c; put b", false },
        { "del a..c; put c", true },
        { "del b..*; put c", false },
        { "del b..*; put a", true },
        { "del a; del a", true },
        { "del a..z; del b..c", true },
        { "put a; txn(put a | )", false },
        { "txn( | put a); put a", false },
        { "txn(put a | put a)", true },
        { "txn(put a | ); txn(put a | )", false },
        { "txn(put a | put a); txn( | put a)", false },
        { "del a..c; txn( | put b)", false },
        { "txn(del a | ); put a", false },
        { "txn( | del a); put a", false },
        { "txn(put a | del a)", true },
        { "txn(del a | ); txn(put a | )", false },
        { "txn(put a | ); txn(del a | )", true },
        { "txn(txn(put a | ) | ); put a", false },
    };

    [Theory]
    [MemberData(nameof(Writes))]
    public void A_key_written_twice_is_rejected_across_nesting_and_branches(string operations, bool allowed)
    {
        var parsed = Parse(operations);
        var expected = allowed ? null : KvError.DuplicateKey;
        var never = Compare(CompareTarget.Version, "x", CompareResult.Greater, 9);

        Assert.Same(expected, RequestValidator.Validate(Txn(then: parsed), KvLimits.Default));
        Assert.Same(expected, RequestValidator.Validate(Txn([never], then: parsed), KvLimits.Default));
        Assert.Same(expected, RequestValidator.Validate(Txn(otherwise: parsed), KvLimits.Default));
        Assert.Same(expected, new StoreUnderTest().Apply(Txn(otherwise: parsed)).Error);
    }

    [Fact]
    public void A_key_may_be_put_in_both_branches_of_one_transaction() =>
        Assert.Null(RequestValidator.Validate(Txn(then: [Put("a")], otherwise: [Put("a")]), KvLimits.Default));

    [Fact]
    public void An_empty_operation_fails_with_key_not_found() =>
        Assert.Same(KvError.KeyNotFound, RequestValidator.Validate(Txn(otherwise: [new EmptyOperation()]), KvLimits.Default));

    [Fact]
    public void An_invalid_operation_makes_its_transaction_invalid()
    {
        Assert.Same(
            KvError.KeyNotProvided,
            RequestValidator.Validate(Txn([Compare(CompareTarget.Mod, "", CompareResult.Equal, 0)]), KvLimits.Default));
        Assert.Same(KvError.KeyNotProvided, RequestValidator.Validate(Txn(otherwise: [Txn(then: [Put("")])]), KvLimits.Default));
        Assert.Same(
            KvError.ValueProvided,
            RequestValidator.Validate(Txn(then: [Put("a", "1") with { IgnoreValue = true }]), KvLimits.Default));
        Assert.Same(
            KvError.InvalidSortOption,
            RequestValidator.Validate(Txn(then: [Range("a") with { SortTarget = (SortTarget)9 }]), KvLimits.Default));
        Assert.Same(
            KvError.InvalidCompare,
            RequestValidator.Validate(Txn([Compare((CompareTarget)9, "a", CompareResult.Equal, 0)]), KvLimits.Default));
    }

    [Fact]
    public void A_command_above_the_limit_is_too_large()
    {
        Assert.Null(RequestValidator.ValidateSize(1572864, KvLimits.Default));
        Assert.Same(KvError.RequestTooLarge, RequestValidator.ValidateSize(1572865, KvLimits.Default));
    }

    /// <summary>Parses operations: put k; del k; del a..b; del a..*; txn(… | …). A key is one letter.</summary>
    private static KvOperation[] Parse(string operations) =>
        [.. SplitOutside(operations, ';').Where(part => part.Length > 0).Select(ParseOne)];

    private static KvOperation ParseOne(string text)
    {
        if (text.StartsWith("txn(", StringComparison.Ordinal))
        {
            var branches = SplitOutside(text[4..^1], '|').ToArray();
            return Txn(then: Parse(branches[0]), otherwise: Parse(branches[1]));
        }

        if (text.StartsWith("put", StringComparison.Ordinal))
            return Put(text[4..]);
        var end = text.Contains("..", StringComparison.Ordinal) ? text[^1..] : "";
        return Delete(text[4..5], end == "*" ? "\0" : end);
    }

    private static IEnumerable<string> SplitOutside(string text, char separator)
    {
        var (depth, from) = (0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
            if (text[i] != separator || depth > 0)
                continue;
            yield return text[from..i].Trim();
            from = i + 1;
        }

        yield return text[from..].Trim();
    }
}
