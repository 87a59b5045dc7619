namespace Quorate.Verification.Simulation.Faults;

/// <summary>A link holds everything back for a while and then lets it all through.</summary>
internal sealed class CloggedLink(Cluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        if (PickPair() is not var (from, to))
            return false;
        Cluster.Network.Clog(from.Id, to.Id, Cluster.Time.Now + Prng.Between(10 * VirtualTime.Millisecond, 5 * VirtualTime.Second));
        return true;
    }
}
