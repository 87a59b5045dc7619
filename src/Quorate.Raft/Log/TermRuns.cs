namespace Quorate.Raft;

/// <summary>
/// The terms of a log as runs of consecutive entries of one term: a log of millions of entries has only as many runs as it has had leaders.
/// </summary>
/// <remarks>Shape: runs begin at ascending indexes, and their terms ascend strictly.</remarks>
internal sealed class TermRuns
{
    private readonly List<EntryId> _runs;

    /// <summary>Creates an empty list of runs.</summary>
    public TermRuns() => _runs = [];

    private TermRuns(TermRuns other) => _runs = [.. other._runs];

    /// <summary>The number of runs.</summary>
    public int Count => _runs.Count;

    /// <summary>The first entry of each run.</summary>
    public IReadOnlyList<EntryId> Starts => _runs;

    /// <summary>Returns the term of the entry at <paramref name="index"/>, which must not be before the first run.</summary>
    public Term At(LogIndex index)
    {
        var run = RunOf(index);
        Invariant.That(run >= 0);
        return _runs[run].Term;
    }

    /// <summary>Returns the first index of the run that contains <paramref name="index"/>.</summary>
    public LogIndex StartOf(LogIndex index) => _runs[RunOf(index)].Index;

    /// <summary>
    /// Returns the last index at or before <paramref name="index"/> whose term is at most <paramref name="term"/>; 0 if there is none.
    /// </summary>
    public LogIndex LastWithTermAtMost(Term term, LogIndex index)
    {
        for (var run = RunOf(index); run >= 0; run--)
        {
            if (_runs[run].Term <= term)
                return index;
            index = _runs[run].Index - 1;
        }

        return LogIndex.Zero;
    }

    /// <summary>Records <paramref name="id"/> as the entry after the last one.</summary>
    public void Append(EntryId id)
    {
        if (_runs.Count > 0)
        {
            var last = _runs[^1];
            Invariant.That(id.Term >= last.Term, "terms never decrease along a log");
            if (id.Term == last.Term)
                return;
        }

        _runs.Add(id);
    }

    /// <summary>Removes everything at and after <paramref name="index"/>.</summary>
    public void TruncateFrom(LogIndex index)
    {
        while (_runs.Count > 0 && _runs[^1].Index >= index)
            _runs.RemoveAt(_runs.Count - 1);
    }

    /// <summary>Removes everything before <paramref name="index"/>, which is in a run: what is left of that run begins there.</summary>
    public void DropBefore(LogIndex index)
    {
        var run = RunOf(index);
        Invariant.That(run >= 0);
        _runs[run] = _runs[run] with { Index = index };
        _runs.RemoveRange(0, run);
    }

    /// <summary>Returns an independent copy.</summary>
    public TermRuns Clone() => new(this);

    private int RunOf(LogIndex index)
    {
        var low = 0;
        var high = _runs.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (_runs[middle].Index <= index)
                low = middle + 1;
            else
                high = middle - 1;
        }

        return high;
    }
}
