namespace Quorate.Verification.Simulation.Faults;

/// <summary>kill -9: between two turns, between two effects of one, or in the middle of a disk call. What was written stays with the system, flushed or not.</summary>
internal sealed class ProcessKill(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    protected override void Strike()
    {
        var victim = Any();
        switch (Dice.Next(0, 4))
        {
            case 0:
                victim.Process?.CutAfterEffects(Dice.Next(0, 6));
                break;
            case 1:
                victim.Disk.CutAfter(Dice.Next(0, 6), isKill: true);
                break;
            default:
                victim.Kill("killed");
                break;
        }
    }
}
