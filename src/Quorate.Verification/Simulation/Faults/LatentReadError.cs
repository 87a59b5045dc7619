using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>A sector that was flushed cannot be read, until it is written again: EIO.</summary>
internal sealed class LatentReadError(Cluster cluster, Dice dice, string name) : Damage(cluster, dice, name, DamageKind.InPlace)
{
    protected override bool Harm(Member victim) => victim.Disk.LoseSector(Dice);
}
