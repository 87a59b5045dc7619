using System.Globalization;
using Quorate.Museum.Rooms;

namespace Quorate.Museum.Catchers;

/// <summary>The explorer's walks, from seed 1.</summary>
internal sealed record WalkCatcher(ulong Steps) : Catcher
{
    public override Finding? Look(Building building)
    {
        var walk = building.Door<Func<ulong, (string, ulong)?>>(nameof(Doors.Walk));
        return walk(Steps) is var (violation, steps) ? new Finding(violation, steps, string.Create(CultureInfo.InvariantCulture, $"{steps:N0} steps")) : null;
    }

    public override string? LookAgain(Finding found) => Doors.Walk(found.Where)?.Violation;

    public override string ToString() => "walk";
}
