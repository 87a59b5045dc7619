using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>A disk does not keep what it was given, as far as the atlas allows. Its member must say so and end, and must not speak for what it has lost.</summary>
internal abstract class DiskCorruption(Cluster cluster, Prng prng, string name, DiskCorruptionKind kind) : Fault(cluster, prng, name)
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

    /// <summary>False when there is nothing to harm yet, or as long as the last harm has not come to pass.</summary>
    protected abstract bool TryCorrupt(SimulatedMachine victim);
}
