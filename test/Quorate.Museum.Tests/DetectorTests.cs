using Quorate.PlantedBugs.Detectors;
using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs.Tests;

/// <summary>A test that fails for any reason at all would catch every bug, and go on doing so when it no longer looks at the one it is there for.</summary>
public sealed class DetectorTests
{
    [Theory]
    [InlineData(nameof(SampleTestClass.Fails))]
    [InlineData(nameof(SampleTestClass.FailsAsynchronously))]
    [InlineData(nameof(SampleTestClass.ViolatesAnInvariant))]
    [InlineData(nameof(SampleTestClass.ThrowsUnexpectedly) + ", throwing InvalidOperationException")]
    public void A_failing_test_is_a_detection(string claim) => Assert.NotNull(DetectorFor("Claims", claim).Run(PatchedBuild.Unpatched));

    [Fact]
    public void A_passing_test_detects_nothing() => Assert.Null(DetectorFor("Claims", nameof(SampleTestClass.Passes)).Run(PatchedBuild.Unpatched));

    [Fact]
    public void An_unexpected_exception_in_a_test_fails_the_trial() =>
        Assert.StartsWith($"{AnyBug}: System.InvalidOperationException: something else", RunTrial("Claims", nameof(SampleTestClass.ThrowsUnexpectedly)).Failure, StringComparison.Ordinal);

    [Fact]
    public void A_failing_test_constructor_fails_the_trial() =>
        Assert.Contains("what the test needs is not there", RunTrial("ClaimsWithoutABeginning", nameof(SampleTestClassWithFailingConstructor.Passes)).Failure, StringComparison.Ordinal);

    [Fact]
    public void A_test_that_fails_on_unpatched_sources_fails_the_trial() =>
        Assert.StartsWith($"{AnyBug} was not what was seen", RunTrial("Claims", nameof(SampleTestClass.Fails)).Failure, StringComparison.Ordinal);

    [Fact]
    public void A_violation_that_the_bug_does_not_list_fails_the_trial()
    {
        var other = PlantedBug.All.Single(static e => e.Name == "commit-index-falls") with { Violates = ["ElectionSafety"] };

        Assert.Contains("not by what it breaks (ElectionSafety)", PlantedBugs.Trial.Run(other, other.DetectedBy[0]).Failure, StringComparison.Ordinal);
    }

    private static PlantedBug AnyBug => PlantedBug.All[0];

    private static Trial RunTrial(string type, string claim) => PlantedBugs.Trial.Run(AnyBug, DetectorFor(type, claim));

    private static Detector DetectorFor(string type, string claim) => Detector.Parse($"test Quorate.Museum.Tests {type}.{claim}", "no bug");
}
