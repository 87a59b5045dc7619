using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>A disk is replaced by an empty one, and its member started as before. It has forgotten what it voted and acknowledged, and must not speak under its old id.</summary>
/// <remarks>Only a member that all others have met: those who have not cannot know (docs/decisions/0014).</remarks>
internal sealed class WipedDisk(Cluster cluster, Prng prng, string name) : DiskCorruption(cluster, prng, name, DiskCorruptionKind.Wiped)
{
    protected override bool TryCorrupt(SimulatedMachine victim)
    {
        foreach (var other in Cluster.Members)
        {
            if (other != victim && !Cluster.KnownPeers.Contains((other.Id, victim.Id)))
                return false;
        }

        victim.WipeDisk();
        return true;
    }
}
