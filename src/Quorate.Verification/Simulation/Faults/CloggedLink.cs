namespace Quorate.Verification.Simulation.Faults;

/// <summary>Makes a link hold back all messages for a while and then deliver them all.</summary>
internal sealed class CloggedLink(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        if (PickPair() is not var (from, to))
            return false;
        Cluster.Network.Clog(from.Id, to.Id, Cluster.Time.Now + Prng.Between(10 * VirtualTime.Millisecond, 5 * VirtualTime.Second));
        return true;
    }
}
