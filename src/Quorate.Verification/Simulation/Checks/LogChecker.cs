using System.Runtime.InteropServices;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Checks;

/// <summary>All that any log ever held, and all that anybody ever took for committed. What comes to a log is held against it at once, and nothing else need be looked at.</summary>
internal sealed class LogChecker
{
    /// <summary>Where the entries of each term begin, and the term of the entry before.</summary>
    private readonly Dictionary<Term, (LogIndex First, Term Before)> _terms = [];

    /// <summary>The term of each committed entry, by its index.</summary>
    private readonly List<Term> _committed = [];

    /// <summary>A core begins with the log that its disk has kept.</summary>
    public void OnStarted(RaftCore core)
    {
        OnAppended(core, core.SnapshotIndex + 1);
        OnCommitted(core, core.SnapshotIndex);
    }

    /// <summary>A core's log is another from that index on.</summary>
    /// <remarks>
    /// LogMatching: logs that agree at an entry agree in all before it. The terms of a log ascend, so it is enough that in all logs the entries of a term begin at one index, behind an
    /// entry of one term.
    /// </remarks>
    public void OnAppended(RaftCore core, LogIndex first)
    {
        var before = core.TermAt(first - 1);
        for (var index = first; index <= core.LastIndex; index += 1)
        {
            var term = core.TermAt(index)!.Value;
            if (before is { } previous && term != previous && !_terms.TryAdd(term, (index, previous)) && _terms[term] != (index, previous))
                throw new ViolationException("LogMatching", $"at {core.Self} term {term} begins at {index} behind term {previous}; elsewhere it begins at {_terms[term].First} behind term {_terms[term].Before}");
            before = term;
        }

        // What was committed may have been replaced.
        OnCommitted(core, LogIndex.Min(first - 1, core.CommitIndex));
    }

    /// <summary>A core knows more to be committed than up to that index.</summary>
    public void OnCommitted(RaftCore core, LogIndex after)
    {
        for (var index = after + 1; index <= core.CommitIndex; index += 1)
        {
            while ((ulong)_committed.Count <= index.Value)
                _committed.Add(Term.Zero);
            ref var known = ref CollectionsMarshal.AsSpan(_committed)[(int)index.Value];
            var term = core.TermAt(index)!.Value;
            if (known == Term.Zero)
                known = term;
            else if (known != term)
                throw new ViolationException("StateMachineSafety", $"{core.Self} takes {term}/{index} for committed; {known}/{index} was");
        }
    }
}
