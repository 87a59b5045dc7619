using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Tests.ModelChecking;

/// <summary>Breadth-first search on models whose results are known independently.</summary>
public sealed class BreadthFirstSearchTests
{
    [Fact]
    public void The_search_visits_each_state_once_and_counts_every_step()
    {
        var found = BreadthFirstSearch.Run(new WaterJugs());

        Assert.True(found.IsComplete);
        Assert.Null(found.Counterexample);
        Assert.Equal((97, 16, 8), (found.Generated, found.Distinct, found.Depth));
    }

    [Fact]
    public void A_violation_has_a_shortest_counterexample()
    {
        var found = BreadthFirstSearch.Run(new WaterJugs { Forbidden = 4 });

        Assert.False(found.IsComplete);
        Assert.Equal(7, found.Depth);
        Assert.Equal("4 gallons", found.Counterexample!.Violation);
        Assert.Equal(
            ["FillLarge", "LargeIntoSmall", "EmptySmall", "LargeIntoSmall", "FillLarge", "LargeIntoSmall"],
            found.Counterexample.Steps.Select(static step => step.Action));
        Assert.Equal("Water { Small = 3, Large = 4 }", found.Counterexample.Steps[^1].State);
    }

    [Fact]
    public void An_initial_state_can_be_the_violation()
    {
        var found = BreadthFirstSearch.Run(new WaterJugs { Forbidden = 0 });

        Assert.Empty(found.Counterexample!.Steps);
    }

    [Fact]
    public void A_step_that_throws_is_a_violation()
    {
        var found = BreadthFirstSearch.Run(new LeakingJugs());

        Assert.Equal("the small jug leaks", found.Counterexample!.Violation);
        Assert.Equal(["FillSmall", "SmallIntoLarge"], found.Counterexample.Steps.Select(static step => step.Action));
    }

    [Fact]
    public void Unreached_goals_are_reported()
    {
        var found = BreadthFirstSearch.Run(new WaterJugs());

        Assert.Equal(1, found.Reached["both jugs are full"]);
        Assert.Equal(0, found.Reached["the small jug overflows"]);
    }

    /// <summary>TLC counts the same way: a state out of bounds is generated and checked, but not distinct.</summary>
    [Fact]
    public void A_state_out_of_bounds_is_checked_but_not_expanded()
    {
        var found = BreadthFirstSearch.Run(new BoundedJugs(4));
        var violated = BreadthFirstSearch.Run(new BoundedJugs(4) { Forbidden = 5 });

        // Within bounds are (0,0) (3,0) (0,3) (3,3). Filling the large jug, and pouring the small jug into the large one in (3,3), leave
        // the bounds.
        Assert.Equal((4 * 6 + 1, 4), (found.Generated, found.Distinct));
        Assert.True(found.IsComplete);
        Assert.Equal(["FillLarge"], violated.Counterexample!.Steps.Select(static step => step.Action));
    }

    [Fact]
    public void A_search_that_reaches_its_limit_is_incomplete()
    {
        var found = BreadthFirstSearch.Run(new WaterJugs(), distinctMax: 10);

        Assert.False(found.IsComplete);
        Assert.InRange(found.Distinct, 10, 15);
    }

    [Fact]
    public void A_nondeterministic_model_is_rejected() =>
        Assert.Throws<InvalidOperationException>(() => BreadthFirstSearch.Run(new NondeterministicJugs { Forbidden = 4 }));

    [Fact]
    public void VisitedStates_distinguishes_a_hundred_thousand_states()
    {
        var visited = new VisitedStates();
        for (var i = 0; i < 100_000; i++)
            Assert.True(visited.TryAdd(StateEncoder.Mix((ulong)i), i - 1));

        for (var i = 0; i < 100_000; i++)
            Assert.False(visited.TryAdd(StateEncoder.Mix((ulong)i), 0));
        Assert.Equal(Enumerable.Range(0, 50_000).Select(static i => StateEncoder.Mix((ulong)i)), visited.PathTo(49_999));
    }

    private sealed class LeakingJugs : WaterJugs
    {
        public override Water? Next(Water state, Pour action) =>
            action == Pour.SmallIntoLarge && state.Small > 0
                ? throw new InvalidOperationException("the small jug leaks")
                : base.Next(state, action);
    }

    private sealed class BoundedJugs(int gallons) : WaterJugs
    {
        public override bool IsWithinBounds(Water state) => state.Large < gallons;
    }

    /// <summary>Measures four gallons once and never again, so that the counterexample cannot be replayed.</summary>
    private sealed class NondeterministicJugs : WaterJugs
    {
        private bool _measured;

        public override Water? Next(Water state, Pour action)
        {
            var next = _measured ? null : base.Next(state, action);
            _measured |= next?.Large == 4;
            return next;
        }
    }
}
