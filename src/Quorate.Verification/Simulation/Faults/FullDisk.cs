namespace Quorate.Verification.Simulation.Faults;

/// <summary>For a while there is no room for another file.</summary>
internal sealed class FullDisk(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    public override bool Strike()
    {
        Any().Disk.FillUntil(Cluster.Time.Now + Dice.Between(100 * VirtualTime.Millisecond, 8 * VirtualTime.Second));
        return true;
    }
}
