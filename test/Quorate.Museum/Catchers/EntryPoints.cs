using Quorate.Verification;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>The checkers' public doors, as seen from inside a building.</summary>
/// <remarks>
/// The museum is loaded into each building beside the rooms, so that these methods, compiled against the rooms as they are, run against the changed ones. Only
/// plain values come out: a type of one building is not that of another.
/// </remarks>
internal static class EntryPoints
{
    /// <summary>What a seed violates, or null.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="refine">Whether each step must also be one of the specification.</param>
    public static string? Simulate(ulong seed, bool refine)
    {
        try
        {
            KvSimulation.Run(seed, new RunOptions { Refine = refine });
            return null;
        }
        catch (SimulationFailedException failure)
        {
            return failure.Violation;
        }
    }

    /// <summary>What is broken in a world, and how many states were met until then; or null.</summary>
    /// <param name="modelConfiguration">The world.</param>
    /// <param name="refine">Whether each step must also be one of the specification.</param>
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

    /// <summary>What walks from seed 1 break, and after how many steps; or null.</summary>
    public static (string Violation, ulong Steps)? Walk(ulong steps)
    {
        try
        {
            Explorer.Walk(seed: 1, (long)steps);
            return null;
        }
        catch (ExplorationFailedException failure)
        {
            return (failure.Violation, (ulong)failure.StatesOrSteps);
        }
    }
}
