namespace Quorate.Verification.Simulation.Faults;

/// <summary>The next flush fails, once, and the system forgets what it was to write (fsyncgate). The node must stop.</summary>
internal sealed class FlushFailure(Cluster cluster, Dice dice, string name) : Fault(cluster, dice, name)
{
    protected override void Strike() => Any().Disk.NextFlushFails = true;
}
