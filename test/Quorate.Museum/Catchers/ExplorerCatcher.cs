using System.Globalization;
using Quorate.Museum.Rooms;

namespace Quorate.Museum.Catchers;

/// <summary>The explorer, in all of a world; alone, or with the specification beside it.</summary>
internal sealed record ExplorerCatcher(string World, bool Refines = false) : Catcher
{
    public override Finding? Look(Building building)
    {
        var explore = building.Door<Func<string, bool, (string, ulong)?>>(nameof(Doors.Explore));
        return explore(World, Refines) is var (violation, states) ? new Finding(violation, states, string.Create(CultureInfo.InvariantCulture, $"{states:N0} states")) : null;
    }

    /// <summary>That nothing is wrong in this world where nothing hangs is what Quorate.Verification.Tests tests, and takes far longer than to find a bug.</summary>
    public override string? LookAgain(Finding found) => null;

    public override string ToString() => $"{(Refines ? "refined explorer" : "explorer")}, {World}";
}
