namespace Quorate.Verification.Simulation.Faults;

/// <summary>One of the next flushes fails, once, and the system forgets what it was to write (fsyncgate). The node must stop.</summary>
internal sealed class FlushFailure(Cluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject() => PickMember().Disk.FailFlush(Prng.Next(0, 4));
}
