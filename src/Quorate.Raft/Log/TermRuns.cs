namespace Quorate.Raft;

/// <summary>The terms of a log, run by run: a log of millions of entries has as many runs as it has had leaders.</summary>
/// <remarks>Shape: runs begin at ascending indexes, and their terms ascend strictly.</remarks>
internal sealed class TermRuns
{
    private readonly List<EntryId> _runs;

    /// <summary>No runs yet.</summary>
    public TermRuns() => _runs = [];

    private TermRuns(TermRuns other) => _runs = [.. other._runs];

    /// <summary>How many runs there are.</summary>
    public int Count => _runs.Count;

    /// <summary>The first entry of each run.</summary>
    public IReadOnlyList<EntryId> Starts => _runs;

    /// <summary>The term of the entry at <paramref name="index"/>, which must not lie before the first run.</summary>
    public Term At(LogIndex index)
    {
        var run = RunOf(index);
        Invariant.That(run >= 0);
        return _runs[run].Term;
    }

    /// <summary>Where the run begins that <paramref name="index"/> lies in.</summary>
    public LogIndex StartOf(LogIndex index) => _runs[RunOf(index)].Index;

    /// <summary>The last index at or before <paramref name="index"/> whose term is at most <paramref name="term"/>; 0 if there is none.</summary>
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

    /// <summary>Notes that the entry after the last one is <paramref name="id"/>.</summary>
    public void Append(EntryId id)
    {
        if (_runs.Count > 0)
        {
            var last = _runs[^1];
            Invariant.That(id.Term >= last.Term, "terms never fall along a log");
            if (id.Term == last.Term)
                return;
        }

        _runs.Add(id);
    }

    /// <summary>Forgets everything at and after <paramref name="index"/>.</summary>
    public void TruncateFrom(LogIndex index)
    {
        while (_runs.Count > 0 && _runs[^1].Index >= index)
            _runs.RemoveAt(_runs.Count - 1);
    }

    /// <summary>The same runs, to go on with apart.</summary>
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
