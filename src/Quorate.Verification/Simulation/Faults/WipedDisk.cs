using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Replaces a disk by an empty one; the member is started as before. It has lost its votes and acknowledged entries, and must not take part
/// in the cluster under its old id.
/// </summary>
/// <remarks>
/// Only a member whose data directory all others have recorded is wiped: a member without that record could not detect the change
/// (decision 0014).
/// </remarks>
internal sealed class WipedDisk(SimulatedCluster cluster, Prng prng, string name) : DiskCorruption(cluster, prng, name,
    DiskCorruptionKind.Wiped)
{
    protected override bool TryCorrupt(SimulatedMachine victim)
    {
        // A machine that was no member in the beginning is bound when its vote counts, so a configuration in which it does not count, or of
        // which it is no member, takes no notice of it.
        if (!victim.IsSpare)
        {
            foreach (var other in Cluster.Members)
            {
                if (other != victim && !other.IsSpare && !Cluster.KnownPeers.Contains((other.Id, victim.Id)))
                    return false;
            }
        }

        if (Cluster.Swarm.ChangesMembers && !Cluster.MayLose(victim))
            return false;
        victim.WipeDisk();
        return true;
    }
}
