using System.Globalization;
using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>Random walks of the explorer, from seed 1.</summary>
/// <param name="Steps">The number of steps, over all walks.</param>
/// <param name="ModelConfiguration">The model configuration; an empty string: the default of the explorer.</param>
internal sealed record RandomWalkDetector(ulong Steps, string ModelConfiguration) : Detector
{
    public override Detection? Run(PatchedBuild build)
    {
        var walk = build.EntryPoint<Func<ulong, string, (string, ulong)?>>(nameof(DetectorEntryPoints.Walk));
        return walk(Steps, ModelConfiguration) is var (violation, steps)
            ? new Detection(violation, steps, string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps"))
            : null;
    }

    public override string? RerunUnpatched(Detection detection) =>
        DetectorEntryPoints.Walk(detection.Position, ModelConfiguration)?.Violation;

    public override string ToString() => ModelConfiguration.Length == 0 ? "walk" : $"walk, {ModelConfiguration}";
}
