using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>The power goes in the middle of a disk call, and sectors that were being written hold neither what they held nor what they were to hold.</summary>
internal sealed class GarbledSectors(Cluster cluster, Dice dice, string name) : Damage(cluster, dice, name, DamageKind.InPlace)
{
    protected override bool Harm(Member victim)
    {
        if (!victim.Disk.CutAfter(Dice.Next(0, 6)))
            return false;
        victim.Disk.GarbleAtPowerCut(Dice);
        return true;
    }
}
