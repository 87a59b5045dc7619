namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Delays all messages to the leader for a while, then delivers them at once; for most of that time the leader is paused. The others elect
/// another leader. When the old one resumes, it still has the leader role, has clients, and receives replies to requests of long ago: a
/// leader that counts such a reply for a current request serves a stale read (etcd #20418).
/// </summary>
internal sealed class LeaderReceiveStall(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        if (Cluster.Members.Count == 1 || NewestLeader() is not { } leader)
            return false;

        // An election starts after one to two election timeouts, so the pause ends when the others may just have completed one.
        var pausedUntil = Cluster.Time.Now + Prng.Between(Cluster.Swarm.ElectionTimeout, 4 * Cluster.Swarm.ElectionTimeout);
        var stalledUntil = pausedUntil + Prng.Between(0, Prng.Pick(5, 50, 500) * VirtualTime.Millisecond);
        foreach (var other in Cluster.Members.Where(m => m != leader))
            Cluster.Network.Clog(other.Id, leader.Id, stalledUntil);
        leader.Pause(pausedUntil);
        return true;
    }
}
