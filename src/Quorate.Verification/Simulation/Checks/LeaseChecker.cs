using Quorate.Raft;

namespace Quorate.Verification.Simulation.Checks;

/// <summary>Checks what lease reads rely on, at the moments at which it could become false.</summary>
/// <remarks>
/// A lease is evaluated as a caller on its member would at that moment, whether or not one does; so every run checks each lease, and not
/// only those by which a client happens to read.
/// </remarks>
internal sealed class LeaseChecker(SimulatedCluster cluster)
{
    /// <summary>A member was elected: no other one has a lease of an earlier term.</summary>
    public void OnElected(RaftCore elected)
    {
        foreach (var (member, term, _) in Held())
        {
            if (term < elected.Term && member != elected.Self)
            {
                throw new ViolationException(
                    "LeaseIsExclusive", $"{elected.Self} leads term {elected.Term}, and {member} has a lease in term {term}");
            }
        }
    }

    /// <summary>An entry was acknowledged: every later read by a lease returns it.</summary>
    public void OnAcknowledged(EntryId entry)
    {
        foreach (var (member, term, commit) in Held())
        {
            cluster.Counters.Increment("leader leases at an acknowledgement");
            if (commit < entry.Index)
            {
                throw new ViolationException(
                    "LeaseReadIsCurrent",
                    $"{entry} was acknowledged, and {member} would read index {commit} by its lease in term {term}");
            }
        }
    }

    /// <summary>A caller has checked its lease after it had read.</summary>
    public void OnConfirmed(NodeId member, Term term)
    {
        if (cluster.LeaderHistory.NewestTerm > term)
        {
            throw new ViolationException(
                "ConfirmedLeaseReadIsCurrent",
                $"a read at {member} by its lease in term {term} is still valid, although term {cluster.LeaderHistory.NewestTerm} is led");
        }
    }

    private IEnumerable<(NodeId Member, Term Term, LogIndex Commit)> Held()
    {
        if (cluster.Leases is null)
            yield break;
        foreach (var member in cluster.Members)
        {
            if (member.Process?.Group.PendingReads.Lease is { } lease && lease.TryGet(out var term, out var commit))
                yield return (member.Id, term, commit);
        }
    }
}
