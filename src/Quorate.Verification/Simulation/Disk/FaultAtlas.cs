using Quorate.Raft;

namespace Quorate.Verification.Simulation.Disk;

/// <summary>Limits which disks may be corrupted, and how, so that every acknowledged entry survives.</summary>
/// <remarks>
/// A member whose disk was corrupted repairs it, or does not start; until it is repaired, nothing on the disk can be relied on. As long as
/// only a minority's disks are ever corrupted, every entry that a quorum acknowledged is intact at one member of the remaining majority,
/// and that majority can elect a leader. So the atlas allows corruption of the disks of a minority, in most runs of none.
/// </remarks>
internal sealed class FaultAtlas
{
    private readonly Dictionary<NodeId, DiskCorruptionKind> _corrupted = [];
    private readonly bool _isOneWiped;

    /// <param name="members">The number of members.</param>
    /// <param name="prng">Draws the number of disks that may be corrupted.</param>
    /// <param name="isRefined">Whether the run is compared with the specification, which has no corruption.</param>
    /// <param name="changesMembers">Whether the members change. Then only one disk, in half of the runs, may be lost.</param>
    public FaultAtlas(int members, Prng prng, bool isRefined, bool changesMembers)
    {
        _isOneWiped = changesMembers;
        var minority = (members - 1) / 2;
        CorruptedDisksMax = changesMembers ? prng.Next(0, 2) : prng.Chance(600) || isRefined ? 0 : prng.Next(0, minority + 1);
    }

    /// <summary>The number of disks that may be corrupted.</summary>
    public int CorruptedDisksMax { get; }

    /// <summary>Returns whether this member's disk was corrupted, or is going to be.</summary>
    public bool IsCorrupted(NodeId member) => _corrupted.ContainsKey(member);

    /// <summary>Returns whether this member's disk may be corrupted in this way.</summary>
    /// <remarks>
    /// A disk is corrupted in one way only. A member that has lost one file must start, and would not if another fault had made the copy of
    /// that file unusable. And a missing frame together with a flipped bit in the header of the frame after it looks like one torn write:
    /// no log could distinguish the two.
    /// </remarks>
    public bool Allows(NodeId member, DiskCorruptionKind kind) =>
        _corrupted.TryGetValue(member, out var before)
            ? before == kind && kind is DiskCorruptionKind.InPlace or DiskCorruptionKind.LostFile
            : _corrupted.Count < CorruptedDisksMax && (!_isOneWiped || kind == DiskCorruptionKind.Wiped);

    /// <summary>Marks this member's disk as corrupted.</summary>
    public void MarkCorrupted(NodeId member, DiskCorruptionKind kind) => _corrupted[member] = kind;
}

/// <summary>The ways in which a disk loses data that it had acknowledged.</summary>
internal enum DiskCorruptionKind
{
    /// <summary>The data changes in place or becomes unreadable.</summary>
    InPlace,

    /// <summary>The data is written to another place.</summary>
    Misdirected,

    /// <summary>The disk is replaced by an empty one.</summary>
    Wiped,

    /// <summary>A file is deleted, shortened, or replaced by that of another member.</summary>
    LostFile,
}
