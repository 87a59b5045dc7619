using Quorate.Node.Divergence;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Simulation.Faults;

/// <summary>
/// Deletes or shortens a file of a member's data directory: of whatever kind, it is there twice, or another member has its content. The
/// member must start again.
/// </summary>
internal sealed class LostFile(SimulatedCluster cluster, Prng prng, string name) : DiskCorruption(cluster, prng, name,
    DiskCorruptionKind.LostFile)
{
    protected override bool TryCorrupt(SimulatedMachine victim)
    {
        // One file at a time: without both copies of term and vote, the member could not start.
        if (!victim.HasRecovered || !victim.Disk.IsInUse())
            return false;
        // The marker of a quarantine is the one file without a copy: without it, the member would not know that its state is wrong.
        string[] names = [.. victim.Disk.List().Where(static name => name != QuarantineFile.Name)];
        var file = names[Prng.Next(0, names.Length)];
        var isDeleted = Prng.Chance(500) || victim.Disk.LengthOf(file) == 0;
        victim.Kill($"its file {file} is {(isDeleted ? "deleted" : "shortened")}");
        if (isDeleted)
            victim.Disk.Remove(file);
        else
            victim.Disk.Truncate(file, Prng.Next(0, victim.Disk.LengthOf(file)));
        victim.ExpectRepair();
        return true;
    }
}
