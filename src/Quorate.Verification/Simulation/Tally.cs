namespace Quorate.Verification.Simulation;

/// <summary>How often each thing happened in a run: a fault that never strikes tests nothing.</summary>
internal sealed class Tally
{
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, long> Counts => _counts;

    public void Add(string what, long count = 1) => _counts[what] = _counts.GetValueOrDefault(what) + count;
}
