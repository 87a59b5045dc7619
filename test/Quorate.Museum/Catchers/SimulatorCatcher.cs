using Quorate.Museum.Rooms;

namespace Quorate.Museum.Catchers;

/// <summary>The simulator, under seeds 1, 2, 3 and on; alone, or with the specification beside it.</summary>
internal sealed record SimulatorCatcher(ulong Seeds, bool Refines = false) : Catcher
{
    public override Finding? Look(Building building)
    {
        var simulate = building.Door<Func<ulong, bool, string?>>(nameof(Doors.Simulate));
        for (ulong seed = 1; seed <= Seeds; seed++)
        {
            if (simulate(seed, Refines) is { } violation)
                return new Finding(violation, seed, seed == 1 ? "1 seed" : $"{seed} seeds");
        }

        return null;
    }

    public override string? LookAgain(Finding found) => Doors.Simulate(found.Where, Refines);

    public override string ToString() => Refines ? "refinement" : "simulator";
}
