using Quorate.Node.Wal;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Replaces a file of a member's data directory by the file of the same name of another member: the identity, term and vote, or a segment.
/// The member must notice it, and start again without that file.
/// </summary>
internal sealed class ForeignFile(SimulatedCluster cluster, Prng prng, string name) : DiskCorruption(cluster, prng, name,
    DiskCorruptionKind.LostFile)
{
    protected override bool TryCorrupt(SimulatedMachine victim)
    {
        var other = Cluster.Members[Prng.Next(0, Cluster.Members.Count)];
        if (other == victim || !victim.HasRecovered || !victim.Disk.IsInUse() || !other.Disk.IsInUse())
            return false;

        // Both have at least an identity and term and vote. The content of a reserve has no meaning.
        var names = victim.Disk.List().Intersect(other.Disk.List(), StringComparer.Ordinal).Except([ReserveFile.Name]).ToArray();
        var file = names[Prng.Next(0, names.Length)];
        victim.Kill($"its file {file} is replaced by that of {other.Id}");
        victim.Disk.CopyFrom(other.Disk, file);
        victim.ExpectRepair();
        return true;
    }
}
