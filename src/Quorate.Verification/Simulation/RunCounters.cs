using System.Runtime.InteropServices;
using Quorate.Verification.Simulation.Coverage;

namespace Quorate.Verification.Simulation;

/// <summary>
/// Counts the events of a run by name. The counts show what a set of runs has tested: a fault that is never injected tests nothing.
/// </summary>
internal sealed class RunCounters
{
    private static readonly string[] MarkNames = [.. Enum.GetNames<CoverageMark>().Select(static name => "mark: " + name)];

    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>All counts, in the order of their names.</summary>
    public IReadOnlyDictionary<string, long> Counts => new SortedDictionary<string, long>(_counts, StringComparer.Ordinal);

    /// <summary>Returns the name of a coverage mark's counter.</summary>
    public static string NameOf(CoverageMark mark) => MarkNames[(int)mark];

    public bool Has(CoverageMark mark) => _counts.ContainsKey(NameOf(mark));

    public void Increment(CoverageMark mark) => Increment(NameOf(mark));

    public void Increment(string name) => CollectionsMarshal.GetValueRefOrAddDefault(_counts, name, out _)++;
}
