using System.Runtime.InteropServices;

namespace Quorate.Verification.Simulation;

/// <summary>How often each thing happened in a run: a fault that never strikes tests nothing.</summary>
internal sealed class Tally
{
    private readonly Dictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>All counts, in the order of their names.</summary>
    public IReadOnlyDictionary<string, long> Counts => new SortedDictionary<string, long>(_counts, StringComparer.Ordinal);

    public void Add(string what) => CollectionsMarshal.GetValueRefOrAddDefault(_counts, what, out _)++;
}
