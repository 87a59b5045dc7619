using Quorate.PlantedBugs.Detectors;
using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs.Tests;

/// <summary>docs/testing.md, "The museum of bugs": a checker that nobody saw fail is not one yet, and must go on failing as the code changes.</summary>
public sealed class PlantedBugTests
{
    public static TheoryData<string> BugNames() => [.. PlantedBug.All.Select(static e => e.Name)];

    [Theory]
    [MemberData(nameof(BugNames))]
    public void Each_planted_bug_is_detected_within_its_budget(string exhibit)
    {
        var hung = PlantedBug.All.Single(e => e.Name == exhibit);

        var visit = Trial.Run(hung, hung.DetectedBy[0]);

        Assert.True(visit.Failure is null, visit.Failure);
    }

    /// <summary>What is caught are the bugs, and not what the museum's own compiling makes of the rooms. The budgets are more than most exhibits need.</summary>
    [Theory]
    [InlineData("simulator, 60 seeds")]
    [InlineData("refinement, 20 seeds")]
    [InlineData("walk, 100,000 steps")]
    [InlineData("explorer, two-with-slow-disks")]
    [InlineData("test Quorate.Node.Tests Wal.PowerCuts.A_cut_at_any_call_loses_nothing_that_was_acknowledged, throwing WalDamageException")]
    public void Detectors_report_nothing_on_unpatched_sources(string catcher)
    {
        Assert.Null(Detector.Parse(catcher, "no bug").Run(PatchedBuild.Unpatched));
    }
}
