using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>A frame is written to another place than the one it was meant for, which keeps what it held.</summary>
internal sealed class MisdirectedWrite(Cluster cluster, Prng prng, string name) : DiskCorruption(cluster, prng, name, DiskCorruptionKind.Misdirected)
{
    protected override bool TryCorrupt(SimulatedMachine victim)
    {
        victim.Disk.MisdirectWrite(Prng);
        return true;
    }
}
