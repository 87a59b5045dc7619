using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Tests.ModelChecking;

/// <summary>The water jug puzzle: two unmarked jugs of three and five gallons, a tap and a drain. How are four gallons measured?</summary>
/// <remarks>
/// Counted by hand: after every step one jug is full or empty. There are 2 × 6 states in which the small jug is full or empty, and 2 × 2
/// more in which only the large jug is: 16. Each state has six actions, some of which change nothing: 16 × 6 steps and the initial state
/// are 97 states generated. Source: the film "Die Hard 3", and every introduction to TLC since.
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

    /// <summary>A number of gallons in the large jug that is a violation.</summary>
    public int? Forbidden { get; init; }

    /// <summary>A number of gallons in the large jug after which a walk must not end.</summary>
    public int? Stuck { get; init; }

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

    public void CheckLiveness(Water state)
    {
        if (state.Large == Stuck)
            throw new InvalidOperationException($"stuck with {Stuck} gallons");
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
