namespace Quorate.Verification.Simulation.Faults;

/// <summary>For a while there is no room for another file.</summary>
internal sealed class FullDisk(Cluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        PickMember().Disk.FillUntil(Cluster.Time.Now + Prng.Between(100 * VirtualTime.Millisecond, 8 * VirtualTime.Second));
        return true;
    }
}
