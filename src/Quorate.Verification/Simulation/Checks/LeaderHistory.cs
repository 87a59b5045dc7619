using Quorate.Raft;

namespace Quorate.Verification.Simulation.Checks;

/// <summary>Who has led which term, ever; and that each leader held what had been acknowledged before.</summary>
internal sealed class LeaderHistory
{
    private readonly Dictionary<Term, NodeId> _leaders = [];
    private EntryId _acknowledged;
    private Term _newestTerm;

    public int Count => _leaders.Count;

    /// <summary>The last entry that a client was told is committed.</summary>
    public EntryId Acknowledged => _acknowledged;

    public void OnAcknowledged(EntryId entry)
    {
        if (entry.Index > _acknowledged.Index)
            _acknowledged = entry;
    }

    /// <summary>Somebody was elected.</summary>
    /// <returns>False: in a term that has passed.</returns>
    public bool OnElected(RaftCore core)
    {
        if (!_leaders.TryAdd(core.Term, core.Self) && _leaders[core.Term] != core.Self)
            throw new ViolationException("ElectionSafety", $"term {core.Term} is led by {_leaders[core.Term]} and {core.Self}");

        // Somebody may come to lead a term that has passed, elected long ago and told only now: it holds nothing that was committed since.
        if (core.Term < _newestTerm)
            return false;
        _newestTerm = core.Term;
        if (_acknowledged.Index != LogIndex.Zero && core.TermAt(_acknowledged.Index) != _acknowledged.Term)
            throw new ViolationException("LeaderCompleteness", $"{core.Self} leads term {core.Term} without {_acknowledged}, which was acknowledged");
        return true;
    }
}
