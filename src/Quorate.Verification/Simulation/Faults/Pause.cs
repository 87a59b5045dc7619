namespace Quorate.Verification.Simulation.Faults;

/// <summary>Nothing of a process runs for a while: a collector, a stopped process, a suspended machine. Its clock goes on.</summary>
internal sealed class Pause(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    public override bool Strike()
    {
        var member = Any();
        if (member.Process is null)
            return false;
        member.Pause(Cluster.Time.Now + Dice.Between(VirtualTime.Millisecond, Dice.Pick(1, 8) * VirtualTime.Second));
        return true;
    }
}
