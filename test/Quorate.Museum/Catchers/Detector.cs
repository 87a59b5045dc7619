using System.Globalization;
using Quorate.PlantedBugs.Build;

namespace Quorate.PlantedBugs.Detectors;

/// <summary>One of those who look for what is wrong, and how long it may look.</summary>
internal abstract record Detector
{
    /// <summary>Looks for something wrong in a building. Null: the budget is used up, and nothing was found.</summary>
    public abstract Detection? Run(PatchedBuild build);

    /// <summary>Looks once more where something was found, at the rooms as they are: null, or it was not the exhibit that was seen.</summary>
    public abstract string? RerunUnpatched(Detection detection);

    /// <summary>What the label says: "simulator, 300 seeds".</summary>
    /// <exception cref="PlantedBugException">Nobody is called that.</exception>
    public static Detector Parse(string label, string bugName)
    {
        var comma = label.IndexOf(", ", StringComparison.Ordinal);
        var (who, budget) = comma < 0 ? (label, "") : (label[..comma], label[(comma + 2)..]);
        ulong Number() => ulong.Parse(budget.Split(' ')[0], NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
        return who switch
        {
            "simulator" => new SimulatorDetector(Number()),
            "refinement" => new SimulatorDetector(Number(), Refines: true),
            "explorer" => new ExplorerDetector(budget),
            "refined explorer" => new ExplorerDetector(budget, Refines: true),
            "walk" => new RandomWalkDetector(Number()),
            _ when who.StartsWith("test ", StringComparison.Ordinal) => TestDetector.ParseTest(who["test ".Length..], budget),
            _ => throw new PlantedBugException($"{bugName}: nobody is called \"{who}\""),
        };
    }
}

/// <summary>Something was found.</summary>
/// <param name="Message">In words; the broken promise is among them.</param>
/// <param name="Position">Enough to find it again.</param>
/// <param name="Effort">How much was looked at, for the table.</param>
internal sealed record Detection(string Message, ulong Position, string Effort);
