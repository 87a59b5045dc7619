namespace Quorate.Verification.Simulation.Faults;

/// <summary>The power goes: at one machine, at some call to its disk, or at all machines at once.</summary>
internal sealed class PowerLoss(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    public override bool Strike()
    {
        switch (Dice.Next(0, 10))
        {
            case 0:
                foreach (var member in Cluster.Members)
                    member.PowerCut(member.DrawUnflushed());
                return true;
            case < 5:
                var victim = Any();
                victim.PowerCut(victim.DrawUnflushed());
                return true;
            default:
                return Any().Disk.CutAfter(Dice.Next(0, 6));
        }
    }
}
