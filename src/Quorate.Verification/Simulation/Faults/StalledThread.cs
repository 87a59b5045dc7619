namespace Quorate.Verification.Simulation.Faults;

/// <summary>A disk does not answer for up to ten seconds, or a state machine takes its time.</summary>
internal sealed class StalledThread(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    public override bool Strike()
    {
        if (Any().Process is not { } process)
            return false;
        var until = Cluster.Time.Now + Dice.Between(VirtualTime.Millisecond, Dice.Pick(1, 10) * VirtualTime.Second);
        (Dice.Chance(800) ? process.DiskWorker : process.ApplyWorker).StallUntil(until);
        return true;
    }
}
