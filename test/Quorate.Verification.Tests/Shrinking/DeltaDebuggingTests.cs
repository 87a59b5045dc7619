using CsCheck;
using Quorate.Verification.Shrinking;

namespace Quorate.Verification.Tests.Shrinking;

/// <summary>The minimized set still fails, and without any single item it does not: 1-minimality (Zeller and Hildebrandt).</summary>
public sealed class DeltaDebuggingTests
{
    [Fact]
    public void One_failing_item_is_found_among_a_thousand()
    {
        var runs = 0;
        var left = DeltaDebugging.Minimize([.. Enumerable.Range(0, 1000)], some =>
        {
            runs++;
            return some.Contains(417);
        });

        Assert.Equal([417], left);
        Assert.True(runs < 60, $"{runs} runs");
    }

    [Fact]
    public void A_failure_that_needs_no_item_minimizes_to_none() => Assert.Empty(DeltaDebugging.Minimize([1, 2, 3], static _ => true));

    /// <summary>Fails if all items of one set and at least one of another are present, as is typical of faults and operations.</summary>
    [Fact]
    public void The_minimized_set_has_no_removable_item() =>
        Gen.Select(Gen.Int[1, 40], Gen.Int[0, 39].HashSet[0, 5], Gen.Int[0, 39].HashSet[0, 5]).Sample((count, all, any) =>
    {
        var items = Enumerable.Range(0, count).ToList();
        bool Fails(IReadOnlyList<int> some) => all.IsSubsetOf(some) && (any.Count == 0 || any.Overlaps(some));
        if (!Fails(items))
            return;

        var left = DeltaDebugging.Minimize(items, Fails);

        Assert.True(Fails(left));
        Assert.Equal(left.Order(), left);
        foreach (var removed in left)
            Assert.False(Fails([.. left.Where(i => i != removed)]), $"{removed} could be removed");
    });
}
