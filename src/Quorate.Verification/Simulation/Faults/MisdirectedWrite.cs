using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>Writes a frame to another place than its own, which keeps its old content.</summary>
internal sealed class MisdirectedWrite(SimulatedCluster cluster, Prng prng, string name)
    : DiskCorruption(cluster, prng, name, DiskCorruptionKind.Misdirected)
{
    protected override bool TryCorrupt(SimulatedMachine victim)
    {
        victim.Disk.MisdirectWrite(Prng);
        return true;
    }
}
