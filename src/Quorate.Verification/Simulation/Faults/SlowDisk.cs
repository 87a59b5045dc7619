namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Makes the flushes of one member, and sometimes of a second one, slow for 5 to 25 election timeouts: each takes an eighth to a third of
/// an election timeout, too short to count as stalled.
/// </summary>
internal sealed class SlowDisk(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        var timeout = Cluster.Swarm.ElectionTimeout;
        var (flush, until) = (Prng.Between(timeout / 8, timeout / 3), Cluster.Time.Now + Prng.Between(5 * timeout, 25 * timeout));
        PickMember().SlowDown(flush, until);
        if (Prng.Chance(300))
            Cluster.Members[Prng.Next(0, Cluster.Members.Count)].SlowDown(flush, until);
        return true;
    }
}
