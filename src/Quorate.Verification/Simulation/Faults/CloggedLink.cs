namespace Quorate.Verification.Simulation.Faults;

/// <summary>A link holds everything back for a while and then lets it all through.</summary>
internal sealed class CloggedLink(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    public override bool Strike()
    {
        if (AnyTwo() is not var (from, to))
            return false;
        Cluster.Network.Clog(from.Id, to.Id, Cluster.Time.Now + Dice.Between(10 * VirtualTime.Millisecond, 5 * VirtualTime.Second));
        return true;
    }
}
