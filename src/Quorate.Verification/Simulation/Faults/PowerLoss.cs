namespace Quorate.Verification.Simulation.Faults;

/// <summary>The power goes: at one machine, at some call to its disk, or at all machines at once.</summary>
internal sealed class PowerLoss(Cluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        switch (Prng.Next(0, 10))
        {
            case 0:
                foreach (var member in Cluster.Members)
                    member.PowerCut(member.DrawPowerLossOutcome());
                return true;
            case < 5:
                var victim = PickMember();
                victim.PowerCut(victim.DrawPowerLossOutcome());
                return true;
            default:
                return PickMember().Disk.CutAfter(Prng.Next(0, 6));
        }
    }
}
