using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>A sector that was flushed cannot be read, until it is written again: EIO.</summary>
internal sealed class LatentReadError(Cluster cluster, Prng prng, string name) : DiskCorruption(cluster, prng, name, DiskCorruptionKind.InPlace)
{
    protected override bool TryCorrupt(SimulatedMachine victim) => victim.Disk.MakeSectorUnreadable(Prng);
}
