using Quorate.PlantedBugs.Detectors;
using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs;

/// <summary>What came of hanging one exhibit.</summary>
/// <param name="Bug">The exhibit.</param>
/// <param name="Detector">Who looked.</param>
/// <param name="Detection">What was found, or null.</param>
/// <param name="Failure">Why the visit is a failure, or null.</param>
/// <param name="CpuSeconds">Processor time: all of the program's meanwhile, so it says something when one visit is made at a time.</param>
internal sealed record Trial(PlantedBug Bug, Detector Detector, Detection? Detection, string? Failure, double CpuSeconds)
{
    /// <summary>Hangs the exhibit, lets a catcher look, and, if it found something, makes sure that it is the exhibit that was seen.</summary>
    public static Trial Run(PlantedBug bug, Detector detector)
    {
        var began = Environment.CpuUsage.TotalTime;
        double Seconds() => (Environment.CpuUsage.TotalTime - began).TotalSeconds;
        try
        {
            var (found, fault) = RunDetector(bug, detector);
            return new Trial(bug, detector, found, fault, Seconds());
        }
        catch (Exception broken)
        {
            // Whatever goes wrong with one exhibit is said of that one, and the others are visited all the same.
            return new Trial(bug, detector, null, broken is PlantedBugException ? broken.Message : $"{bug.Name}: {broken}", Seconds());
        }
    }

    private static (Detection? Found, string? Fault) RunDetector(PlantedBug bug, Detector detector)
    {
        var found = detector.Run(PatchedBuild.With(bug));
        if (found is null)
            return (null, $"{bug.Name} survives: {detector} found nothing within its budget");
        if (detector is not TestDetector && bug.Violates.Count > 0 && !bug.Violates.Any(promise => found.Message.Contains(promise, StringComparison.Ordinal)))
            return (found, $"{bug.Name} was caught, but not by what it breaks ({string.Join(", ", bug.Violates)}): {found.Message}");
        return (found, detector.RerunUnpatched(found) is { } still ? $"{bug.Name} was not what was seen: without it the same is found: {still}" : null);
    }
}
