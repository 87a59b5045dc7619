using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>Flips one to five bits in flushed data; the next read of it must detect the corruption.</summary>
internal sealed class BitRot(SimulatedCluster cluster, Prng prng, string name) : DiskCorruption(cluster, prng, name,
    DiskCorruptionKind.InPlace)
{
    protected override bool TryCorrupt(SimulatedMachine victim)
    {
        var flipped = 0;
        for (var bits = Prng.Next(1, 6); bits > 0; bits--)
            flipped += victim.Disk.FlipBit(Prng) ? 1 : 0;
        return flipped > 0;
    }
}
