using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>Bits flip in what was flushed, one or a few; whoever reads it next must find out.</summary>
internal sealed class BitRot(Cluster cluster, Dice dice, string name) : Damage(cluster, dice, name, DamageKind.InPlace)
{
    protected override bool Harm(Member victim)
    {
        var flipped = 0;
        for (var bits = Dice.Next(1, 6); bits > 0; bits--)
            flipped += victim.Disk.FlipBit(Dice) ? 1 : 0;
        return flipped > 0;
    }
}
