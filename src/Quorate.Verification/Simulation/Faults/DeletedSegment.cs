using Quorate.Verification.Simulation.Coverage;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Deletes the newest segment of a member's log, which holds entries that the member has acknowledged. The member must not start any more.
/// </summary>
internal sealed class DeletedSegment(SimulatedCluster cluster, Prng prng, string name) : DiskCorruption(cluster, prng, name,
    DiskCorruptionKind.Deleted)
{
    protected override bool TryCorrupt(SimulatedMachine victim)
    {
        if (victim.StaysDown || victim.Disk.RecordedSegment() is not { } segment)
            return false;
        victim.Kill("its newest segment is deleted");
        victim.Disk.Remove(segment);
        victim.ExpectRefusal(CoverageMark.DeletedSegmentRefused);
        return true;
    }
}
