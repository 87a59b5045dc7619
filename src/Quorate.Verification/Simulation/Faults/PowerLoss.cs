namespace Quorate.Verification.Simulation.Faults;

/// <summary>Cuts the power: of one machine now, of one machine at one of its next disk calls, or of all machines at once.</summary>
internal sealed class PowerLoss(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        switch (Prng.Next(0, 10))
        {
            case 0:
                foreach (var member in Cluster.Members)
                    member.LosePower(member.DrawPowerLossOutcome());
                return true;
            case < 5:
                var victim = PickMember();
                victim.LosePower(victim.DrawPowerLossOutcome());
                return true;
            default:
                return PickMember().Disk.CutAfter(Prng.Next(0, 6));
        }
    }
}
