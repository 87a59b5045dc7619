namespace Quorate.Verification.Simulation.Faults;

/// <summary>Makes a disk full for a while: no file can be created.</summary>
internal sealed class FullDisk(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        PickMember().Disk.FillUntil(Cluster.Time.Now + Prng.Between(100 * VirtualTime.Millisecond, 8 * VirtualTime.Second));
        return true;
    }
}
