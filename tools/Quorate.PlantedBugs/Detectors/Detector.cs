using System.Globalization;
using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>A checker that must detect planted bugs, with its budget.</summary>
internal abstract record Detector
{
    /// <summary>Looks for a violation in a patched build. Returns null if the budget is used up without one.</summary>
    public abstract Detection? Run(PatchedBuild build);

    /// <summary>
    /// Repeats the failing part of a run on the unpatched sources. Returns the violation there, or null if the bug was the cause.
    /// </summary>
    public abstract string? RerunUnpatched(Detection detection);

    /// <summary>Parses a detector as a bug's file names it: "simulator, 300 seeds".</summary>
    /// <exception cref="PlantedBugException">There is no such detector.</exception>
    public static Detector Parse(string label, string bugName)
    {
        var comma = label.IndexOf(", ", StringComparison.Ordinal);
        var (name, budget) = comma < 0 ? (label, "") : (label[..comma], label[(comma + 2)..]);
        ulong Number() => ulong.Parse(budget.Split(' ')[0], NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
        return name switch
        {
            "simulator" => new SimulatorDetector(Number()),
            "leases" => new SimulatorDetector(Number(), HasLeases: true),
            "refinement" => new SimulatorDetector(Number(), Refines: true),
            "explorer" => new ExplorerDetector(budget),
            "refined explorer" => new ExplorerDetector(budget, Refines: true),
            "walk" => new RandomWalkDetector(Number(), ModelConfiguration: ""),
            _ when name.StartsWith("walk ", StringComparison.Ordinal) => new RandomWalkDetector(Number(), name["walk ".Length..]),
            _ when name.StartsWith("test ", StringComparison.Ordinal) => TestDetector.ParseTest(name["test ".Length..], budget),
            _ => throw new PlantedBugException($"{bugName}: there is no detector \"{name}\""),
        };
    }
}

/// <summary>A violation that a detector found.</summary>
/// <param name="Message">The failure message; it names the violated property.</param>
/// <param name="Position">
/// Where the violation is, to repeat it: the seed, the number of states or steps, or the number of the test case.
/// </param>
/// <param name="Effort">How much the detector ran until then, for the result table.</param>
internal sealed record Detection(string Message, ulong Position, string Effort);
