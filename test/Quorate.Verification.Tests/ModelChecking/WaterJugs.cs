using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Tests.ModelChecking;

/// <summary>Two jugs of three and five gallons, a tap and a drain, no marks on the jugs. How are four gallons measured?</summary>
/// <remarks>
/// By hand: after any step one jug is full or empty, so there are 2 × 6 states with the small one so, and 2 × 2 more with only the large one so: 16. Each has six actions, some of which change
/// nothing: 16 × 6 steps, and the beginning, are 97 states generated. Source: the film "Die Hard 3", and every introduction to TLC since.
/// </remarks>
internal class WaterJugs : IModel<WaterJugs.Water, WaterJugs.Pour>
{
    public enum Pour
    {
        FillSmall,
        FillLarge,
        EmptySmall,
        EmptyLarge,
        SmallIntoLarge,
        LargeIntoSmall,
    }

    /// <summary>Gallons that must not be in the large jug.</summary>
    public int? Forbidden { get; init; }

    public virtual IEnumerable<Water> InitialStates => [new Water(0, 0)];

    public IReadOnlyList<Sometimes<Water>> Sometimes =>
        [new("both jugs are full", static water => water is (3, 5)), new("the small jug overflows", static water => water.Small > 3)];

    public void ActionsOf(Water state, List<Pour> actions) => actions.AddRange(Enum.GetValues<Pour>());

    public virtual Water? Next(Water state, Pour action)
    {
        var (small, large) = state;
        return action switch
        {
            Pour.FillSmall => state with { Small = 3 },
            Pour.FillLarge => state with { Large = 5 },
            Pour.EmptySmall => state with { Small = 0 },
            Pour.EmptyLarge => state with { Large = 0 },
            Pour.SmallIntoLarge => new Water(small - Math.Min(small, 5 - large), large + Math.Min(small, 5 - large)),
            _ => new Water(small + Math.Min(large, 3 - small), large - Math.Min(large, 3 - small)),
        };
    }

    public void Check(Water state)
    {
        if (state.Large == Forbidden)
            throw new InvalidOperationException($"{Forbidden} gallons");
    }

    public ulong Fingerprint(Water state, StateEncoder encoder)
    {
        encoder.Write(state.Small);
        encoder.Write(state.Large);
        return encoder.Hash();
    }

    public virtual bool IsWithinBounds(Water state) => true;

    public sealed record Water(int Small, int Large);
}
