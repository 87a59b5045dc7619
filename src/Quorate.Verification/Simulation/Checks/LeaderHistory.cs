using Quorate.Raft;

namespace Quorate.Verification.Simulation.Checks;

/// <summary>Records the leader of every term, and checks that each new leader has the entries that were acknowledged before.</summary>
internal sealed class LeaderHistory
{
    private readonly Dictionary<Term, NodeId> _leaders = [];
    private EntryId _acknowledged;
    private Term _newestTerm;

    public int Count => _leaders.Count;

    /// <summary>The newest term that had a leader.</summary>
    public Term NewestTerm => _newestTerm;

    /// <summary>The last entry that was acknowledged to a client as committed.</summary>
    public EntryId Acknowledged => _acknowledged;

    public void OnAcknowledged(EntryId entry)
    {
        if (entry.Index > _acknowledged.Index)
            _acknowledged = entry;
    }

    /// <summary>Records and checks a member that became leader.</summary>
    /// <returns>False if a later term already had a leader.</returns>
    public bool OnElected(RaftCore core)
    {
        if (!_leaders.TryAdd(core.Term, core.Self) && _leaders[core.Term] != core.Self)
            throw new ViolationException("ElectionSafety", $"term {core.Term} is led by {_leaders[core.Term]} and {core.Self}");

        // A candidate may receive the deciding vote late, when a later term already has a leader. LeaderCompleteness does not apply to it:
        // it may lack the entries that were committed since.
        if (core.Term < _newestTerm)
            return false;
        _newestTerm = core.Term;
        if (_acknowledged.Index > core.CompactedIndex && core.TermAt(_acknowledged.Index) != _acknowledged.Term)
        {
            throw new ViolationException(
                "LeaderCompleteness", $"{core.Self} leads term {core.Term} and lacks the acknowledged entry {_acknowledged}");
        }

        return true;
    }
}
