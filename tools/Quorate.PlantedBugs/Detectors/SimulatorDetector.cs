using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>Simulates seeds 1, 2, 3 and so on, with or without checking refinement of the specification, and leader leases.</summary>
internal sealed record SimulatorDetector(ulong Seeds, bool Refines = false, bool HasLeases = false) : Detector
{
    public override Detection? Run(PatchedBuild build)
    {
        var simulate = build.EntryPoint<Func<ulong, bool, bool, string?>>(nameof(DetectorEntryPoints.Simulate));
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            if (simulate(seed, Refines, HasLeases) is { } violation)
                return new Detection(violation, seed, seed == 1 ? "1 seed" : $"{seed} seeds");
        }

        return null;
    }

    public override string? RerunUnpatched(Detection detection) => DetectorEntryPoints.Simulate(detection.Position, Refines, HasLeases);

    public override string ToString() => Refines ? "refinement" : HasLeases ? "leases" : "simulator";
}
