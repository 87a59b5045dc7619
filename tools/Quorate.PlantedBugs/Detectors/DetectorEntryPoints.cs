using Quorate.Verification;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>The public entry points of simulator and explorer, called from inside a patched build.</summary>
/// <remarks>
/// Each patched build loads its own copy of this assembly beside the projects under test, so these methods, compiled against the unpatched
/// projects, run against the patched ones. Only primitive types cross the boundary, because a type of one build is not the same type in
/// another.
/// </remarks>
internal static class DetectorEntryPoints
{
    /// <summary>Simulates a seed. Returns the violation, or null.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="refine">Whether each step must also be a step of the specification.</param>
    /// <param name="leases">Whether the members have leader leases.</param>
    public static string? Simulate(ulong seed, bool refine, bool leases)
    {
        try
        {
            var mode = leases ? LeaseSimulation.WithinBounds : LeaseSimulation.Off;
            KvSimulation.Run(seed, new RunOptions { Refine = refine, Leases = mode });
            return null;
        }
        catch (SimulationFailedException failure)
        {
            return failure.Violation;
        }
    }

    /// <summary>Explores a model configuration. Returns the violation and the number of states visited until then, or null.</summary>
    /// <param name="modelConfiguration">The name of the model configuration.</param>
    /// <param name="refine">Whether each step must also be a step of the specification.</param>
    public static (string Violation, ulong States)? Explore(string modelConfiguration, bool refine)
    {
        try
        {
            Explorer.Run(modelConfiguration, refine);
            return null;
        }
        catch (ExplorationFailedException failure)
        {
            return (failure.Violation, (ulong)failure.StatesOrSteps);
        }
    }

    /// <summary>Walks at random from seed 1. Returns the violation and the number of steps taken until then, or null.</summary>
    /// <param name="steps">The number of steps, over all walks.</param>
    /// <param name="modelConfiguration">The name of the model configuration; an empty string: the default.</param>
    public static (string Violation, ulong Steps)? Walk(ulong steps, string modelConfiguration)
    {
        try
        {
            Explorer.Walk(seed: 1, (long)steps, name: modelConfiguration.Length == 0 ? null : modelConfiguration);
            return null;
        }
        catch (ExplorationFailedException failure)
        {
            return (failure.Violation, (ulong)failure.StatesOrSteps);
        }
    }
}
