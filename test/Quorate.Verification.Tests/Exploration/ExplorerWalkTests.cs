namespace Quorate.Verification.Tests.Exploration;

/// <summary>Random walks through a model configuration that is too large to explore (docs/testing/explorer.md has longer ones).</summary>
public sealed class ExplorerWalkTests
{
    /// <summary>About 20 s of one CPU core for all seeds together.</summary>
    private const long Steps = 1_000_000;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void A_refined_walk_finds_no_violation_and_reaches_every_goal(ulong seed)
    {
        TestEffort.RequireFullWhen(seed > 1);

        var walked = Explorer.Walk(seed, Steps, refine: true);

        Assert.Equal(Steps, walked.Steps);
        foreach (var (goal, times) in walked.Reached)
            Assert.True(times > 0, $"no walk reached {goal}");
    }

    /// <summary>Logs are lost to corruption, which the specification does not have.</summary>
    [Fact]
    public void A_walk_with_lost_logs_finds_no_violation_and_reaches_every_goal()
    {
        var steps = TestEffort.Of(1_000_000);

        var walked = Explorer.Walk(seed: 7, steps);

        foreach (var (goal, times) in walked.Reached)
        {
            var isRare = !TestEffort.IsFull && !goal.StartsWith("a log", StringComparison.Ordinal);
            Assert.True(times > 0 || isRare, $"no walk reached {goal}");
        }
    }

    public static TheoryData<string> OtherNames => [.. Explorer.WalkNames.Skip(1)];

    [Theory]
    [MemberData(nameof(OtherNames))]
    public void A_walk_with_other_members_finds_no_violation_and_reaches_every_goal(string name)
    {
        var steps = TestEffort.Of(600_000);

        var walked = Explorer.Walk(seed: 1, steps, refine: !name.StartsWith("joint", StringComparison.Ordinal), name);

        Assert.Equal(steps, walked.Steps);

        // A member needs a snapshot only after it has been cut off, which few walks have; and in a joint configuration, few walks commit
        // anything on one side of a partition and truncate it afterwards.
        foreach (var (goal, times) in walked.Reached)
        {
            var isRare = goal.StartsWith("a snapshot", StringComparison.Ordinal) || goal.StartsWith("a log", StringComparison.Ordinal);
            if (!TestEffort.IsFull && isRare)
                continue;
            Assert.True(times > 0, $"no walk reached {goal}");
        }
    }

    [Fact]
    public void A_seed_reproduces_the_same_walk() =>
        Assert.Equal(Explorer.Walk(6, 20_000).Reached, Explorer.Walk(6, 20_000).Reached);
}
