using Quorate.PlantedBugs.Build;
using Quorate.PlantedBugs.Detectors;

namespace Quorate.PlantedBugs.Tests;

/// <summary>
/// Every planted bug is detected by its first detector (docs/testing/planted-bugs.md): a checker that has never failed is not proven to
/// check.
/// </summary>
public sealed class PlantedBugTests
{
    public static TheoryData<string> BugNames() =>
        [.. PlantedBug.All.Where(static (_, i) => i % TestEffort.Stride == 0).Select(static bug => bug.Name)];

    [Theory]
    [MemberData(nameof(BugNames))]
    public void Each_planted_bug_is_detected_within_its_budget(string name)
    {
        var bug = PlantedBug.All.Single(bug => bug.Name == name);

        var trial = PlantedBugTrial.RunWithinTimeLimit(bug, bug.DetectedBy[0]);

        Assert.True(trial.Failure is null, trial.Failure);
    }

    /// <summary>
    /// The detectors find the bugs, and not errors that <see cref="ProjectCompiler"/> introduces. The budgets here exceed what most bugs
    /// need.
    /// </summary>
    [Theory]
    [InlineData("simulator, 60 seeds")]
    [InlineData("refinement, 20 seeds")]
    [InlineData("walk, 100,000 steps")]
    [InlineData("walk joint-configuration, 20,000 steps")]
    [InlineData("explorer, two-with-slow-disks")]
    [InlineData(
        "test Quorate.Node.Tests Wal.WalPowerLossTests.A_power_loss_at_any_call_loses_no_acknowledged_entry, "
        + "throwing WalCorruptionException")]
    public void Detectors_report_nothing_on_unpatched_sources(string detector)
    {
        Assert.Null(Detector.Parse(detector, "no bug").Run(PatchedBuild.Unpatched));
    }
}
