namespace Quorate.Verification.Tests.Exploration;

/// <summary>Random walks through a world that is too large to be explored: docs/testing.md has the long ones.</summary>
public sealed class ExplorerWalkTests
{
    /// <summary>Some 20 s of a core, all seeds together.</summary>
    private const long Steps = 1_000_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_refined_walk_finds_no_violation_and_reaches_every_goal(ulong seed)
    {
        var walked = Explorer.Walk(seed, Steps, refine: true);

        Assert.Equal(Steps, walked.Steps);
        foreach (var (thing, times) in walked.Reached)
            Assert.True(times > 0, $"no walk met {thing}");
    }

    [Fact]
    public void The_same_seed_walks_the_same_way() =>
        Assert.Equal(Explorer.Walk(6, 20_000).Reached, Explorer.Walk(6, 20_000).Reached);
}
