namespace Quorate.Verification.Simulation.Faults;

/// <summary>Stalls the disk thread or, less often, the apply thread of a process for up to ten seconds.</summary>
internal sealed class StalledThread(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        if (PickMember().Process is not { } process)
            return false;
        var until = Cluster.Time.Now + Prng.Between(VirtualTime.Millisecond, Prng.Pick(1, 10) * VirtualTime.Second);
        (Prng.Chance(800) ? process.DiskWorker : process.ApplyWorker).StallUntil(until);
        return true;
    }
}
