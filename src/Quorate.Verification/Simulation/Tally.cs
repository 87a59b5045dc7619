using System.Runtime.InteropServices;
using Quorate.Verification.Simulation.Coverage;

namespace Quorate.Verification.Simulation;

/// <summary>How often each thing happened in a run: a fault that never strikes tests nothing.</summary>
internal sealed class Tally
{
    private static readonly string[] NamesOfMarks = [.. Enum.GetNames<Mark>().Select(static name => "mark: " + name)];

    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>All counts, in the order of their names.</summary>
    public IReadOnlyDictionary<string, long> Counts => new SortedDictionary<string, long>(_counts, StringComparer.Ordinal);

    /// <summary>Under what a mark is counted.</summary>
    public static string NameOf(Mark mark) => NamesOfMarks[(int)mark];

    public bool Has(Mark mark) => _counts.ContainsKey(NameOf(mark));

    public void Add(Mark mark) => Add(NameOf(mark));

    public void Add(string what) => CollectionsMarshal.GetValueRefOrAddDefault(_counts, what, out _)++;
}
