namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Fails one of the next flushes, once; the operating system then drops the dirty pages without writing them (fsyncgate). The node must
/// stop.
/// </summary>
internal sealed class FlushFailure(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject() => PickMember().Disk.FailFlush(Prng.Next(0, 4));
}
