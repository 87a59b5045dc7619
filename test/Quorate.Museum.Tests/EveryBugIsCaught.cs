using Quorate.Museum.Catchers;
using Quorate.Museum.Rooms;

namespace Quorate.Museum.Tests;

/// <summary>docs/testing.md, "The museum of bugs": a checker that nobody saw fail is not one yet, and must go on failing as the code changes.</summary>
public sealed class EveryBugIsCaught
{
    public static TheoryData<string> Exhibits() => [.. Exhibit.All.Select(static e => e.Name)];

    [Theory]
    [MemberData(nameof(Exhibits))]
    public void A_known_bug_is_caught_within_its_budget(string exhibit)
    {
        var hung = Exhibit.All.Single(e => e.Name == exhibit);

        var visit = Visit.To(hung, hung.CaughtBy[0]);

        Assert.True(visit.Fault is null, visit.Fault);
    }

    /// <summary>What is caught are the bugs, and not what the museum's own compiling makes of the rooms. The budgets are more than most exhibits need.</summary>
    [Theory]
    [InlineData("simulator, 60 seeds")]
    [InlineData("refinement, 20 seeds")]
    [InlineData("walk, 100,000 steps")]
    [InlineData("explorer, two-with-slow-disks")]
    [InlineData("test Quorate.Node.Tests Wal.PowerCuts.A_cut_at_any_call_loses_nothing_that_was_acknowledged, throwing WalDamageException")]
    public void Without_a_bug_nothing_is_caught(string catcher)
    {
        Assert.Null(Catcher.Of(catcher, "no bug").Look(Building.Empty));
    }
}
