using Quorate.PlantedBugs.Build;
using Quorate.PlantedBugs.Detectors;

namespace Quorate.PlantedBugs.Tests;

/// <summary>
/// A detector counts only the relevant failures of a test as a detection. A test that fails for an unrelated reason would "detect" every
/// bug, and would still do so after it stopped checking the property it exists for.
/// </summary>
public sealed class DetectorTests
{
    [Theory]
    [InlineData(nameof(SampleTestClass.Fails))]
    [InlineData(nameof(SampleTestClass.FailsAsynchronously))]
    [InlineData(nameof(SampleTestClass.ViolatesAnInvariant))]
    [InlineData(nameof(SampleTestClass.ThrowsUnexpectedly) + ", throwing InvalidOperationException")]
    public void A_failing_test_is_a_detection(string method) =>
        Assert.NotNull(DetectorFor(nameof(SampleTestClass), method).Run(PatchedBuild.Unpatched));

    [Fact]
    public void A_passing_test_detects_nothing() =>
        Assert.Null(DetectorFor(nameof(SampleTestClass), nameof(SampleTestClass.Passes)).Run(PatchedBuild.Unpatched));

    [Fact]
    public void An_unexpected_exception_in_a_test_fails_the_trial() =>
        Assert.StartsWith(
            $"{AnyBug}: System.InvalidOperationException: something else",
            RunTrial(nameof(SampleTestClass), nameof(SampleTestClass.ThrowsUnexpectedly)).Failure,
            StringComparison.Ordinal);

    [Fact]
    public void A_failing_test_constructor_fails_the_trial() =>
        Assert.Contains(
            "a prerequisite is missing",
            RunTrial(nameof(SampleTestClassWithFailingConstructor), nameof(SampleTestClassWithFailingConstructor.Passes)).Failure,
            StringComparison.Ordinal);

    [Fact]
    public void A_test_that_fails_on_unpatched_sources_fails_the_trial()
    {
        var trial = RunTrial(nameof(SampleTestClass), nameof(SampleTestClass.Fails));

        Assert.StartsWith($"{AnyBug}: ", trial.Failure, StringComparison.Ordinal);
        Assert.Contains("fails on the unpatched sources too", trial.Failure, StringComparison.Ordinal);
    }

    [Fact]
    public void A_violation_that_the_bug_does_not_list_fails_the_trial()
    {
        var bug = PlantedBug.All.Single(static bug => bug.Name == "commit-index-falls") with { Violates = ["ElectionSafety"] };

        var trial = PlantedBugTrial.Run(bug, bug.DetectedBy[0]);

        Assert.Contains("does not list (Violates: ElectionSafety)", trial.Failure, StringComparison.Ordinal);
    }

    private static PlantedBug AnyBug => PlantedBug.All[0];

    private static PlantedBugTrial RunTrial(string type, string method) => PlantedBugTrial.Run(AnyBug, DetectorFor(type, method));

    private static Detector DetectorFor(string type, string method) =>
        Detector.Parse($"test Quorate.PlantedBugs.Tests {type}.{method}", "no bug");
}
