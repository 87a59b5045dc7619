using Quorate.Raft;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>Requests a change of the members at a random member, as an operator does.</summary>
/// <remarks>
/// Each request expects the configuration that the newest leader has: a forwarded request that arrives seconds later must not add a member
/// again that has been removed since. Each id is added once (docs/protocol/membership.md). No configuration is requested in which the
/// members whose disk was lost are so many that the others are no majority.
/// </remarks>
internal sealed class MemberChangeRequest(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    protected override long MeanInterval => Cluster.Swarm.MemberChangeInterval;

    public override bool TryInject()
    {
        var (any, isAtLeader, kind) = (PickMember(), Prng.Chance(700), Prng.Next(0, 10));
        if (NewestLeader()?.Process is not { Core: var leader } atLeader || any.Process is not { } elsewhere)
            return false;
        var configuration = leader.Configuration;
        var spare = Pick(Cluster.Members.Where(m => m.IsSpare && !Cluster.EverMembers.Contains(m.Id)).Select(static m => m.Id));
        var second = Pick(Cluster.Members.Where(m => m.IsSpare && !Cluster.EverMembers.Contains(m.Id)).Select(static m => m.Id));
        var (voter, member, learner) = (Pick(configuration.Voters), Pick(configuration.Members), Pick(configuration.Learners));
        var lost = Pick(configuration.Members.Where(id => Cluster.Machine(id).IsWiped));
        MemberChange[] changes = kind switch
        {
            0 or 1 => [MemberChange.AddLearner(spare, promoteWhenReady: true)],
            2 => [MemberChange.AddVoter(spare)],
            3 => [MemberChange.AddLearner(spare)],
            4 => [MemberChange.Remove(lost != NodeId.None ? lost : member)],
            5 => [MemberChange.Demote(voter)],
            6 or 7 => [MemberChange.Promote(learner)],
            8 => [MemberChange.Remove(lost != NodeId.None ? lost : voter), MemberChange.AddVoter(spare)],
            _ => [MemberChange.AddLearner(spare, promoteWhenReady: true), MemberChange.AddVoter(second), MemberChange.Remove(voter)],
        };
        var ids = changes.Select(static change => change.Member.Id).ToArray();
        if (ids.Contains(NodeId.None) || ids.Distinct().Count() < ids.Length || !KeepsMajority(configuration, changes))
            return false;

        var change = new ConfigurationChange { Changes = [.. changes], ExpectedIndex = leader.ConfigurationIndex };
        Cluster.EventLog.Record(NodeId.None, "change requested:", string.Join(", ", changes.Select(static c => $"{c.Kind} {c.Member.Id}")));
        var process = isAtLeader ? atLeader : elsewhere;
        if (!process.Group.TryProposeChange(change, out var outcome))
            return false;
        Cluster.PendingChanges.Add((process, outcome));
        return true;
    }

    private NodeId Pick(IEnumerable<NodeId> members)
    {
        var number = Prng.Next(0, 64);
        var candidates = members.ToArray();
        return candidates.Length == 0 ? NodeId.None : candidates[number % candidates.Length];
    }

    private bool KeepsMajority(Configuration configuration, MemberChange[] changes)
    {
        var voters = configuration.Voters.ToHashSet();
        foreach (var change in changes)
        {
            if (change.Kind is MemberChangeKind.AddVoter or MemberChangeKind.Promote)
                voters.Add(change.Member.Id);
            else if (change.Kind is MemberChangeKind.Remove or MemberChangeKind.Demote)
                voters.Remove(change.Member.Id);
        }

        // The leader counts a member whose disk was lost a moment ago among those that it can reach.
        return voters.Count > 0 && (!Cluster.Members.Exists(static m => m.IsWiped)
            || 2 * voters.Count(id => configuration.IsCounted(id) && !Cluster.Machine(id).IsWiped) > voters.Count);
    }
}
