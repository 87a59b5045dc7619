using Quorate.PlantedBugs.Build;
using Quorate.PlantedBugs.Detectors;

namespace Quorate.PlantedBugs;

/// <summary>One run of a detector against a build with one planted bug.</summary>
/// <param name="Bug">The planted bug.</param>
/// <param name="Detector">The detector that ran.</param>
/// <param name="Detection">What the detector found, or null.</param>
/// <param name="Failure">
/// Why the trial failed, or null: the bug was not detected, was detected by something else, or its file is invalid.
/// </param>
/// <param name="CpuSeconds">
/// CPU time of the whole process during the trial, so it is meaningful only while trials run one at a time.
/// </param>
internal sealed record PlantedBugTrial(PlantedBug Bug, Detector Detector, Detection? Detection, string? Failure, double CpuSeconds)
{
    /// <summary>The longest trial takes about a minute. A bug may make its detector wait for ever, or for hours of virtual time.</summary>
    private static readonly TimeSpan TimeMax = TimeSpan.FromMinutes(10);

    /// <summary>Runs a trial, and fails it after <see cref="TimeMax"/>; its thread then stays behind until the process ends.</summary>
    public static PlantedBugTrial RunWithinTimeLimit(PlantedBug bug, Detector detector)
    {
        PlantedBugTrial? trial = null;
        var thread = new Thread(() => trial = Run(bug, detector)) { IsBackground = true, Name = bug.Name };
        thread.Start();
        return thread.Join(TimeMax)
            ? trial!
            : new PlantedBugTrial(bug, detector, null, $"{bug.Name}: {detector} did not end within {TimeMax.TotalMinutes} minutes", 0);
    }

    /// <summary>
    /// Plants the bug, runs the detector and, if it found something, verifies that the unpatched sources do not fail the same way.
    /// </summary>
    public static PlantedBugTrial Run(PlantedBug bug, Detector detector)
    {
        var cpuAtStart = Environment.CpuUsage.TotalTime;
        double Seconds() => (Environment.CpuUsage.TotalTime - cpuAtStart).TotalSeconds;
        try
        {
            var (found, failure) = RunDetector(bug, detector);
            return new PlantedBugTrial(bug, detector, found, failure, Seconds());
        }
        catch (Exception error)
        {
            // An error is reported for this bug only, so that the trials of the other bugs still run.
            return new PlantedBugTrial(bug, detector, null, error is PlantedBugException ? error.Message : $"{bug.Name}: {error}",
                Seconds());
        }
    }

    private static (Detection? Found, string? Failure) RunDetector(PlantedBug bug, Detector detector)
    {
        var found = detector.Run(PatchedBuild.With(bug));
        if (found is null)
            return (null, $"{bug.Name} was not detected: {detector} found no violation within its budget");
        if (detector is not TestDetector && bug.Violates.Count > 0
            && !bug.Violates.Any(property => found.Message.Contains(property, StringComparison.Ordinal)))
        {
            var listed = string.Join(", ", bug.Violates);
            return (found, $"{bug.Name} was detected by a violation that it does not list (Violates: {listed}): {found.Message}");
        }

        if (detector.RerunUnpatched(found) is { } unpatched)
            return (found, $"{bug.Name}: {detector} fails on the unpatched sources too, so it did not detect the bug: {unpatched}");
        return (found, null);
    }
}
