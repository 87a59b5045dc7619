using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Tests.ModelChecking;

/// <summary>The search itself, on models whose answers are known without it.</summary>
public sealed class SearchingByBreadth
{
    [Fact]
    public void Every_state_is_met_once_and_every_step_is_counted()
    {
        var found = BreadthFirstSearch.Run(new Jugs());

        Assert.True(found.IsComplete);
        Assert.Null(found.Counterexample);
        Assert.Equal((97, 16, 8), (found.Generated, found.Distinct, found.Depth));
    }

    [Fact]
    public void A_violation_is_shown_with_a_shortest_path_to_it()
    {
        var found = BreadthFirstSearch.Run(new Jugs { Forbidden = 4 });

        Assert.False(found.IsComplete);
        Assert.Equal(7, found.Depth);
        Assert.Equal("4 gallons", found.Counterexample!.Violation);
        Assert.Equal(
            ["FillLarge", "LargeIntoSmall", "EmptySmall", "LargeIntoSmall", "FillLarge", "LargeIntoSmall"],
            found.Counterexample.Steps.Select(static step => step.Action));
        Assert.Equal("Water { Small = 3, Large = 4 }", found.Counterexample.Steps[^1].State);
    }

    [Fact]
    public void What_a_state_begins_with_may_be_the_violation()
    {
        var found = BreadthFirstSearch.Run(new Jugs { Forbidden = 0 });

        Assert.Empty(found.Counterexample!.Steps);
    }

    [Fact]
    public void A_step_that_throws_is_a_violation()
    {
        var found = BreadthFirstSearch.Run(new Leaking());

        Assert.Equal("the small jug leaks", found.Counterexample!.Violation);
        Assert.Equal(["FillSmall", "SmallIntoLarge"], found.Counterexample.Steps.Select(static step => step.Action));
    }

    [Fact]
    public void What_is_never_reached_is_told()
    {
        var found = BreadthFirstSearch.Run(new Jugs());

        Assert.Equal(1, found.Reached["both jugs are full"]);
        Assert.Equal(0, found.Reached["the small jug overflows"]);
    }

    /// <summary>As TLC counts: generated, and checked, but not distinct.</summary>
    [Fact]
    public void A_state_out_of_bounds_is_checked_and_goes_no_further()
    {
        var found = BreadthFirstSearch.Run(new LargeJugBelow(4));
        var violated = BreadthFirstSearch.Run(new LargeJugBelow(4) { Forbidden = 5 });

        // (0,0) (3,0) (0,3) (3,3): filling the large jug, and pouring the small one into (3,3), leads out.
        Assert.Equal((4 * 6 + 1, 4), (found.Generated, found.Distinct));
        Assert.True(found.IsComplete);
        Assert.Equal(["FillLarge"], violated.Counterexample!.Steps.Select(static step => step.Action));
    }

    [Fact]
    public void A_search_that_was_ended_is_not_complete()
    {
        var found = BreadthFirstSearch.Run(new Jugs(), distinctMax: 10);

        Assert.False(found.IsComplete);
        Assert.InRange(found.Distinct, 10, 15);
    }

    [Fact]
    public void A_model_that_does_not_do_the_same_again_is_told_so() =>
        Assert.Throws<InvalidOperationException>(() => BreadthFirstSearch.Run(new Fickle { Forbidden = 4 }));

    [Fact]
    public void A_hundred_thousand_states_are_a_hundred_thousand()
    {
        var visited = new VisitedStates();
        for (var i = 0; i < 100_000; i++)
            Assert.True(visited.TryAdd(StateEncoder.Mix((ulong)i), i - 1));

        for (var i = 0; i < 100_000; i++)
            Assert.False(visited.TryAdd(StateEncoder.Mix((ulong)i), 0));
        Assert.Equal(Enumerable.Range(0, 50_000).Select(static i => StateEncoder.Mix((ulong)i)), visited.PathTo(49_999));
    }

    private sealed class Leaking : Jugs
    {
        public override Water? Next(Water state, Pour action) =>
            action == Pour.SmallIntoLarge && state.Small > 0 ? throw new InvalidOperationException("the small jug leaks") : base.Next(state, action);
    }

    private sealed class LargeJugBelow(int gallons) : Jugs
    {
        public override bool IsWithinBounds(Water state) => state.Large < gallons;
    }

    /// <summary>Four gallons are measured once, and never again.</summary>
    private sealed class Fickle : Jugs
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
