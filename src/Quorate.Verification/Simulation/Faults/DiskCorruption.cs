using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Corrupts flushed data on a disk, as far as the fault atlas allows. The member must notice the corruption, and must not act as if it
/// still had the lost data: it repairs its disk, or does not start.
/// </summary>
internal abstract class DiskCorruption(SimulatedCluster cluster, Prng prng, string name, DiskCorruptionKind kind) : Fault(cluster, prng,
    name)
{
    protected sealed override bool IsApplicable => Cluster.FaultAtlas.CorruptedDisksMax > 0;

    public sealed override bool TryInject()
    {
        var victim = PickMember();
        if (!Cluster.FaultAtlas.Allows(victim.Id, kind) || !TryCorrupt(victim))
            return false;
        Cluster.FaultAtlas.MarkCorrupted(victim.Id, kind);
        Cluster.EventLog.Record(victim.Id, "damage", Name);
        return true;
    }

    /// <summary>
    /// Corrupts the victim's disk. Returns false if there is nothing to corrupt yet, or if the last corruption has not taken effect yet.
    /// </summary>
    protected abstract bool TryCorrupt(SimulatedMachine victim);
}
