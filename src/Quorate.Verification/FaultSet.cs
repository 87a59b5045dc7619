using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Faults;

namespace Quorate.Verification;

/// <summary>Which faults may exist in a run. The seed draws which of these do, and how often: with all of them at once, none has the time to show what it can do alone.</summary>
public sealed class FaultSet
{
    private readonly HashSet<string> _names;

    private FaultSet(IEnumerable<string> names) => _names = new HashSet<string>(names, StringComparer.Ordinal);

    /// <summary>The names of all there are.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Fault.Names, .. SwarmOptions.ContinuousFaults];

    /// <summary>Whatever there is: the default.</summary>
    public static FaultSet All { get; } = new(Names);

    /// <summary>A world in which all goes well, if slowly.</summary>
    public static FaultSet None { get; } = new([]);

    /// <summary>Only these.</summary>
    /// <exception cref="ArgumentException">There is no fault of that name.</exception>
    public static FaultSet Only(params IEnumerable<string> names) => new(Validate(names));

    /// <summary>All but these.</summary>
    /// <exception cref="ArgumentException">There is no fault of that name.</exception>
    public static FaultSet Except(params IEnumerable<string> names) => new(Names.Except(Validate(names)));

    /// <inheritdoc/>
    public override string ToString() => _names.Count == 0 ? "none" : string.Join(", ", Names.Where(_names.Contains));

    internal bool Contains(string name) => _names.Contains(name);

    private static List<string> Validate(IEnumerable<string> names)
    {
        List<string> all = [.. names];
        return all.Find(static n => !Names.Contains(n)) is { } unknown
            ? throw new ArgumentException($"there is no fault \"{unknown}\"; there are {string.Join(", ", Names)}", nameof(names))
            : all;
    }
}
