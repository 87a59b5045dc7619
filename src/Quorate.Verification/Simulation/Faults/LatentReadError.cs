using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>Makes a flushed sector unreadable (EIO) until it is rewritten.</summary>
internal sealed class LatentReadError(SimulatedCluster cluster, Prng prng, string name)
    : DiskCorruption(cluster, prng, name, DiskCorruptionKind.InPlace)
{
    protected override bool TryCorrupt(SimulatedMachine victim) => victim.Disk.MakeSectorUnreadable(Prng);
}
