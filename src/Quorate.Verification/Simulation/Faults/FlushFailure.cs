namespace Quorate.Verification.Simulation.Faults;

/// <summary>One of the next flushes fails, once, and the system forgets what it was to write (fsyncgate). The node must stop.</summary>
internal sealed class FlushFailure(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    public override bool Strike() => Any().Disk.FailFlush(Dice.Next(0, 4));
}
