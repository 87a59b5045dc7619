namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Whoever leads hears nothing for a while and then all of it at once, old as it is; and for most of that time it sleeps. The others elect somebody and go on, and when it wakes it
/// believes that it leads still, has clients, and gets answers to what it asked long ago: who takes one of these for an answer to what is asked now gives a stale read (etcd #20418).
/// </summary>
internal sealed class LeaderReceiveStall(Cluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        if (Cluster.Members.Count == 1 || NewestLeader() is not { } leader)
            return false;

        // An election takes between one and two of its timeouts, so the sleep ends when others may just have had one.
        var pausedUntil = Cluster.Time.Now + Prng.Between(Cluster.Swarm.ElectionTimeout, 4 * Cluster.Swarm.ElectionTimeout);
        var stalledUntil = pausedUntil + Prng.Between(0, Prng.Pick(5, 50, 500) * VirtualTime.Millisecond);
        foreach (var other in Cluster.Members.Where(m => m != leader))
            Cluster.Network.Clog(other.Id, leader.Id, stalledUntil);
        leader.Pause(pausedUntil);
        return true;
    }
}
