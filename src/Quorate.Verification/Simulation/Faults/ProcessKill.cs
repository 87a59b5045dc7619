namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Kills a process, as kill -9 does: between two iterations, between two effects of one, or in the middle of a disk call. What it wrote
/// stays with the operating system, flushed or not.
/// </summary>
internal sealed class ProcessKill(SimulatedCluster cluster, Prng prng, string name) : Fault(cluster, prng, name)
{
    public override bool TryInject()
    {
        var (victim, when, after) = (PickMember(), Prng.Next(0, 4), Prng.Next(0, 6));
        if (when == 1)
            return victim.Disk.CutAfter(after, isKill: true);
        if (victim.Process is not { } process)
            return false;
        if (when == 0)
            process.CutAfterEffects(after);
        else
            victim.Kill("killed");
        return true;
    }
}
