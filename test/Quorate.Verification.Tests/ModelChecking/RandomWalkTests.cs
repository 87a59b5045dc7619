using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Tests.ModelChecking;

/// <summary>Random walks on the water jugs.</summary>
public sealed class RandomWalkTests
{
    [Fact]
    public void A_violating_walk_is_shrunk_to_the_needed_steps()
    {
        var found = RandomWalk.Run(new WaterJugs { Forbidden = 4 }, seed: 1, stepsMax: 100_000, lengthMax: 1_000);

        var steps = found.Counterexample!.Steps.Select(static step => step.Action).ToList();
        Assert.Equal("4 gallons", found.Counterexample.Violation);
        Assert.Contains(steps.Count, new[] { 6, 8 });

        // None of the steps can be removed.
        for (var without = 0; without < steps.Count; without++)
            Assert.NotEqual(4, Pour(steps.Where((_, i) => i != without)).Large);
        Assert.Equal(4, Pour(steps).Large);
    }

    [Fact]
    public void A_walk_that_ends_without_progress_is_shrunk_to_the_needed_steps()
    {
        var found = RandomWalk.Run(new WaterJugs { Stuck = 4 }, seed: 1, stepsMax: 100_000, lengthMax: 20);

        var steps = found.Counterexample!.Steps.Select(static step => step.Action).ToList();
        Assert.Equal("stuck with 4 gallons", found.Counterexample.Violation);
        Assert.Contains(steps.Count, new[] { 6, 8 });
        Assert.Equal(4, Pour(steps).Large);
    }

    [Fact]
    public void A_seed_reproduces_the_same_walk()
    {
        var first = RandomWalk.Run(new WaterJugs { Forbidden = 4 }, seed: 7, stepsMax: 100_000, lengthMax: 20);
        var second = RandomWalk.Run(new WaterJugs { Forbidden = 4 }, seed: 7, stepsMax: 100_000, lengthMax: 20);

        Assert.Equal(first.Steps, second.Steps);
        Assert.Equal(first.Counterexample!.ToString(), second.Counterexample!.ToString());
    }

    [Fact]
    public void A_walk_without_a_violation_takes_every_step()
    {
        var walked = RandomWalk.Run(new WaterJugs(), seed: 1, stepsMax: 1_000, lengthMax: 100);

        Assert.Equal((1_000, 10), (walked.Steps, walked.Walks));
        Assert.Null(walked.Counterexample);
        Assert.NotEqual(0, walked.Reached["both jugs are full"]);
        Assert.Equal(0, walked.Reached["the small jug overflows"]);
    }

    private static WaterJugs.Water Pour(IEnumerable<string> steps) =>
        steps.Aggregate(new WaterJugs.Water(0, 0), static (water, step) => new WaterJugs().Next(water, Enum.Parse<WaterJugs.Pour>(step))!);
}
