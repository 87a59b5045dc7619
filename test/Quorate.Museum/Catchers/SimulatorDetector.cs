using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>The simulator, under seeds 1, 2, 3 and on; alone, or with the specification beside it.</summary>
internal sealed record SimulatorDetector(ulong Seeds, bool Refines = false) : Detector
{
    public override Detection? Run(PatchedBuild building)
    {
        var simulate = building.EntryPoint<Func<ulong, bool, string?>>(nameof(EntryPoints.Simulate));
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            if (simulate(seed, Refines) is { } violation)
                return new Detection(violation, seed, seed == 1 ? "1 seed" : $"{seed} seeds");
        }

        return null;
    }

    public override string? RerunUnpatched(Detection found) => EntryPoints.Simulate(found.Position, Refines);

    public override string ToString() => Refines ? "refinement" : "simulator";
}
