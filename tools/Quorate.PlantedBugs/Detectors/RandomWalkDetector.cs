using System.Globalization;
using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>Random walks of the explorer, from seed 1.</summary>
internal sealed record RandomWalkDetector(ulong Steps) : Detector
{
    public override Detection? Run(PatchedBuild build)
    {
        var walk = build.EntryPoint<Func<ulong, (string, ulong)?>>(nameof(DetectorEntryPoints.Walk));
        return walk(Steps) is var (violation, steps)
            ? new Detection(violation, steps, string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps"))
            : null;
    }

    public override string? RerunUnpatched(Detection detection) => DetectorEntryPoints.Walk(detection.Position)?.Violation;

    public override string ToString() => "walk";
}
