using System.Runtime.InteropServices;
using Quorate.Verification.Simulation.Coverage;

namespace Quorate.Verification.Simulation;

/// <summary>How often each thing happened in a run: a fault that never strikes tests nothing.</summary>
internal sealed class Counters
{
    private static readonly string[] MarkNames = [.. Enum.GetNames<CoverageMark>().Select(static name => "mark: " + name)];

    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>All counts, in the order of their names.</summary>
    public IReadOnlyDictionary<string, long> Counts => new SortedDictionary<string, long>(_counts, StringComparer.Ordinal);

    /// <summary>Under what a mark is counted.</summary>
    public static string NameOf(CoverageMark mark) => MarkNames[(int)mark];

    public bool Has(CoverageMark mark) => _counts.ContainsKey(NameOf(mark));

    public void Increment(CoverageMark mark) => Increment(NameOf(mark));

    public void Increment(string name) => CollectionsMarshal.GetValueRefOrAddDefault(_counts, name, out _)++;
}
