using Quorate.Raft;

namespace Quorate.Verification.Simulation.Disk;

/// <summary>Limits which disks may be corrupted, and how, so that every acknowledged entry survives.</summary>
/// <remarks>
/// Nothing on a corrupted disk can be relied on: its member does not start, and there is no way to repair it yet. As long as only a
/// minority's disks are ever corrupted, every entry that a quorum acknowledged is intact at one member of the remaining majority, and that
/// majority can elect a leader. So the atlas allows corruption of the disks of a minority, in most runs of none.
/// </remarks>
internal sealed class FaultAtlas
{
    private readonly Dictionary<NodeId, DiskCorruptionKind> _corrupted = [];

    public FaultAtlas(int members, Prng prng)
    {
        var minority = (members - 1) / 2;
        CorruptedDisksMax = prng.Chance(600) ? 0 : prng.Next(0, minority + 1);
    }

    /// <summary>The number of disks that may be corrupted.</summary>
    public int CorruptedDisksMax { get; }

    /// <summary>Returns whether this member's disk was corrupted, or is going to be.</summary>
    public bool IsCorrupted(NodeId member) => _corrupted.ContainsKey(member);

    /// <summary>Returns whether this member's disk may be corrupted in this way.</summary>
    /// <remarks>
    /// A wiped disk gets no other corruption. Neither does one with a deleted or a foreign file: its member must refuse to start because of
    /// that file, and not because of another fault. Neither does a disk that misdirects a write: a missing frame together with a flipped
    /// bit in the header of the frame after it looks like one torn write, and no log could distinguish the two.
    /// </remarks>
    public bool Allows(NodeId member, DiskCorruptionKind kind) =>
        _corrupted.TryGetValue(member, out var before)
            ? before == kind && kind == DiskCorruptionKind.InPlace
            : _corrupted.Count < CorruptedDisksMax;

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

    /// <summary>The newest segment of the log is deleted.</summary>
    Deleted,

    /// <summary>A file is replaced by that of another member.</summary>
    Foreign,
}
