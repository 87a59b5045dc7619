using System.Globalization;
using Quorate.Museum.Rooms;

namespace Quorate.Museum.Catchers;

/// <summary>One of those who look for what is wrong, and how long it may look.</summary>
internal abstract record Catcher
{
    /// <summary>Looks for something wrong in a building. Null: the budget is used up, and nothing was found.</summary>
    public abstract Finding? Look(Building building);

    /// <summary>Looks once more where something was found, at the rooms as they are: null, or it was not the exhibit that was seen.</summary>
    public abstract string? LookAgain(Finding found);

    /// <summary>What the label says: "simulator, 300 seeds".</summary>
    /// <exception cref="MuseumException">Nobody is called that.</exception>
    public static Catcher Of(string label, string exhibit)
    {
        var comma = label.IndexOf(", ", StringComparison.Ordinal);
        var (who, budget) = comma < 0 ? (label, "") : (label[..comma], label[(comma + 2)..]);
        ulong Number() => ulong.Parse(budget.Split(' ')[0], NumberStyles.AllowThousands, CultureInfo.InvariantCulture);
        return who switch
        {
            "simulator" => new SimulatorCatcher(Number()),
            "refinement" => new SimulatorCatcher(Number(), Refines: true),
            "explorer" => new ExplorerCatcher(budget),
            "refined explorer" => new ExplorerCatcher(budget, Refines: true),
            "walk" => new WalkCatcher(Number()),
            _ when who.StartsWith("test ", StringComparison.Ordinal) => ClaimCatcher.Reading(who["test ".Length..], budget),
            _ => throw new MuseumException($"{exhibit}: nobody is called \"{who}\""),
        };
    }
}

/// <summary>Something was found.</summary>
/// <param name="What">In words; the broken promise is among them.</param>
/// <param name="Where">Enough to find it again.</param>
/// <param name="Effort">How much was looked at, for the table.</param>
internal sealed record Finding(string What, ulong Where, string Effort);
