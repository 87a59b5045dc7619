namespace Quorate.Verification.Simulation.Faults;

/// <summary>Pauses a process for a while, as a garbage collection, SIGSTOP or a suspended host does. Its clock keeps running.</summary>
internal sealed class ProcessPause(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        var member = PickMember();
        if (member.Process is null)
            return false;
        member.Pause(Cluster.Time.Now + Prng.Between(VirtualTime.Millisecond, Prng.Pick(1, 8) * VirtualTime.Second));
        return true;
    }
}
