using System.Globalization;
using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>The explorer, in all of a world; alone, or with the specification beside it.</summary>
internal sealed record ExplorerDetector(string ModelConfiguration, bool Refines = false) : Detector
{
    public override Detection? Run(PatchedBuild building)
    {
        var explore = building.EntryPoint<Func<string, bool, (string, ulong)?>>(nameof(EntryPoints.Explore));
        return explore(ModelConfiguration, Refines) is var (violation, states) ? new Detection(violation, states, string.Create(CultureInfo.InvariantCulture, $"{states:N0} states")) : null;
    }

    /// <summary>That nothing is wrong in this world where nothing hangs is what Quorate.Verification.Tests tests, and takes far longer than to find a bug.</summary>
    public override string? RerunUnpatched(Detection found) => null;

    public override string ToString() => $"{(Refines ? "refined explorer" : "explorer")}, {ModelConfiguration}";
}
