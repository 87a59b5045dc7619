using System.Globalization;
using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>Explores every state of a model configuration, with or without checking refinement of the specification.</summary>
internal sealed record ExplorerDetector(string ModelConfiguration, bool Refines = false) : Detector
{
    public override Detection? Run(PatchedBuild build)
    {
        var explore = build.EntryPoint<Func<string, bool, (string, ulong)?>>(nameof(DetectorEntryPoints.Explore));
        return explore(ModelConfiguration, Refines) is var (violation, states)
            ? new Detection(violation, states, string.Create(CultureInfo.InvariantCulture, $"{states:N0} states"))
            : null;
    }

    /// <summary>
    /// Returns null: Quorate.Verification.Tests explores this configuration unpatched, which takes far longer than finding a bug.
    /// </summary>
    public override string? RerunUnpatched(Detection detection) => null;

    public override string ToString() => $"{(Refines ? "refined explorer" : "explorer")}, {ModelConfiguration}";
}
