namespace Quorate.Verification.Simulation.Faults;

/// <summary>For a while there is no room for another file.</summary>
internal sealed class FullDisk(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    protected override void Strike()
    {
        var disk = Any().Disk;
        disk.IsFull = true;
        Cluster.Time.After(Dice.Between(100 * VirtualTime.Millisecond, 8 * VirtualTime.Second), () => disk.IsFull = false);
    }
}
