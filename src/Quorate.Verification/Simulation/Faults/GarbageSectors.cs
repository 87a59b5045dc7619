using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Cuts the power in the middle of a disk call, and leaves garbage in sectors that were being written: neither old nor new content.
/// </summary>
internal sealed class GarbageSectors(SimulatedCluster cluster, Prng prng, string name)
    : DiskCorruption(cluster, prng, name, DiskCorruptionKind.InPlace)
{
    protected override bool TryCorrupt(SimulatedMachine victim)
    {
        if (!victim.Disk.CutAfter(Prng.Next(0, 6)))
            return false;
        victim.Disk.WriteGarbageAtPowerLoss(Prng);
        return true;
    }
}
