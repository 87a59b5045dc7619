using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Faults;

namespace Quorate.Verification;

/// <summary>
/// The set of faults that may occur in a run. The seed draws which of them do occur, and how often (swarm testing): if all faults occurred
/// in every run, no fault would have the time to show its effect alone.
/// </summary>
public sealed class FaultSet
{
    private readonly HashSet<string> _names;

    private FaultSet(IEnumerable<string> names) => _names = new HashSet<string>(names, StringComparer.Ordinal);

    /// <summary>The names of all faults.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. Fault.Names, .. SwarmOptions.ContinuousFaults];

    /// <summary>All faults: the default.</summary>
    public static FaultSet All { get; } = new(Names);

    /// <summary>No faults. Links, disks and state machines may still be slow.</summary>
    public static FaultSet None { get; } = new([]);

    /// <summary>The set of the named faults.</summary>
    /// <exception cref="ArgumentException">A name is not in <see cref="Names"/>.</exception>
    public static FaultSet Only(params IEnumerable<string> names) => new(Validate(names));

    /// <summary>All faults except the named ones.</summary>
    /// <exception cref="ArgumentException">A name is not in <see cref="Names"/>.</exception>
    public static FaultSet Except(params IEnumerable<string> names) => new(Names.Except(Validate(names)));

    /// <inheritdoc/>
    public override string ToString() => _names.Count == 0 ? "none" : string.Join(", ", Names.Where(_names.Contains));

    internal bool Contains(string name) => _names.Contains(name);

    private static List<string> Validate(IEnumerable<string> names)
    {
        List<string> all = [.. names];
        return all.Find(static n => !Names.Contains(n)) is { } unknown
            ? throw new ArgumentException($"there is no fault \"{unknown}\"; the faults are {string.Join(", ", Names)}", nameof(names))
            : all;
    }
}
