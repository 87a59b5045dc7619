using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>A frame is written to another place than the one it was meant for, which keeps what it held.</summary>
internal sealed class MisdirectedWrite(Cluster cluster, Dice dice, string name) : Damage(cluster, dice, name, DamageKind.Misdirected)
{
    protected override bool Harm(Member victim)
    {
        victim.Disk.MisdirectWrite(Dice);
        return true;
    }
}
