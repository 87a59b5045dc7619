using System.Runtime.InteropServices;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Checks;

/// <summary>
/// Records everything that any log ever contained and everything that any core ever considered committed. New entries of a log are checked
/// against this record at once, so that nothing else needs to be compared.
/// </summary>
internal sealed class LogChecker
{
    /// <summary>The index of the first entry of each term, and the term of the entry before it.</summary>
    private readonly Dictionary<Term, (LogIndex First, Term Before)> _terms = [];

    /// <summary>The term of each committed entry, by its index.</summary>
    private readonly List<Term> _committed = [];

    /// <summary>Checks the log with which a core starts.</summary>
    public void OnStarted(RaftCore core)
    {
        OnAppended(core, core.CompactedIndex + 1);
        OnCommitted(core, LogIndex.Zero);
    }

    /// <summary>Checks the log of a core that has changed from an index on.</summary>
    /// <remarks>
    /// LogMatching: logs that agree at an entry agree in all entries before it. The terms of a log never decrease, so it is enough that in
    /// all logs the entries of a term begin at the same index, after an entry of the same term.
    /// </remarks>
    public void OnAppended(RaftCore core, LogIndex first)
    {
        // Of the entries that a snapshot has replaced, only the last one's term is known.
        first = LogIndex.Max(first, core.SnapshotIndex + 1);
        var before = core.TermAt(first - 1);
        for (var index = first; index <= core.LastIndex; index += 1)
        {
            var term = core.TermAt(index)!.Value;
            if (before is { } previous && term != previous && !_terms.TryAdd(term, (index, previous)) && _terms[term] != (index, previous))
            {
                throw new ViolationException(
                    "LogMatching",
                    $"at {core.Self} term {term} begins at {index} after term {previous}; " +
                    $"at another member it begins at {_terms[term].First} after term {_terms[term].Before}");
            }

            before = term;
        }

        // The new entries may have replaced committed ones.
        OnCommitted(core, LogIndex.Min(first - 1, core.CommitIndex));
    }

    /// <summary>Checks the entries after an index that a core considers committed.</summary>
    public void OnCommitted(RaftCore core, LogIndex after)
    {
        // Of the entries that a snapshot replaced, the core knows the term of the last one.
        var first = LogIndex.Max(after + 1, LogIndex.Max(core.CompactedIndex, new LogIndex(1)));
        for (var index = first; index <= core.CommitIndex; index += 1)
        {
            while ((ulong)_committed.Count <= index.Value)
                _committed.Add(Term.Zero);
            ref var known = ref CollectionsMarshal.AsSpan(_committed)[(int)index.Value];
            var term = core.TermAt(index)!.Value;
            if (known == Term.Zero)
                known = term;
            else if (known != term)
            {
                throw new ViolationException(
                    "StateMachineSafety", $"{core.Self} committed {term}/{index}, but {known}/{index} was committed before");
            }
        }
    }
}
