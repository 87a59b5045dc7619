using CsCheck;
using Quorate.Verification.Shrinking;

namespace Quorate.Verification.Tests.Shrinking;

/// <summary>What is left still fails, and without any one of it does not: Zeller and Hildebrandt's 1-minimality.</summary>
public sealed class DeltaDebuggingTests
{
    [Fact]
    public void One_failing_item_is_found_among_a_thousand()
    {
        var questions = 0;
        var left = DeltaDebugging.Minimize([.. Enumerable.Range(0, 1000)], some =>
        {
            questions++;
            return some.Contains(417);
        });

        Assert.Equal([417], left);
        Assert.True(questions < 60, $"{questions} questions");
    }

    [Fact]
    public void A_failure_that_needs_no_item_minimizes_to_none() => Assert.Empty(DeltaDebugging.Minimize([1, 2, 3], static _ => true));

    /// <summary>Fails when all of some and at least one of others are there, as faults and operations do.</summary>
    [Fact]
    public void The_minimized_set_has_no_removable_item() => Gen.Select(Gen.Int[1, 40], Gen.Int[0, 39].HashSet[0, 5], Gen.Int[0, 39].HashSet[0, 5]).Sample((count, all, any) =>
    {
        var items = Enumerable.Range(0, count).ToList();
        bool Fails(IReadOnlyList<int> some) => all.IsSubsetOf(some) && (any.Count == 0 || any.Overlaps(some));
        if (!Fails(items))
            return;

        var left = DeltaDebugging.Minimize(items, Fails);

        Assert.True(Fails(left));
        Assert.Equal(left.Order(), left);
        foreach (var spared in left)
            Assert.False(Fails([.. left.Where(i => i != spared)]), $"{spared} could be spared");
    });
}
