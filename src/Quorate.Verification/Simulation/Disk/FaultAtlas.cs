using Quorate.Raft;

namespace Quorate.Verification.Simulation.Disk;

/// <summary>Says which disks may be damaged, and how, so that what must survive can.</summary>
/// <remarks>
/// Of a damaged disk nothing can be relied on: its member refuses to start, and there is nothing yet with which it could be mended. What a quorum has
/// acknowledged is whole at one member of a majority as long as only a minority's disks are ever damaged; and that majority can elect. So the atlas
/// names a minority, in most runs nobody.
/// </remarks>
internal sealed class FaultAtlas
{
    private readonly Dictionary<NodeId, DiskCorruptionKind> _corrupted = [];

    public FaultAtlas(int members, Prng prng)
    {
        var minority = (members - 1) / 2;
        CorruptedDisksMax = prng.Chance(600) ? 0 : prng.Next(0, minority + 1);
    }

    /// <summary>So many disks may be damaged.</summary>
    public int CorruptedDisksMax { get; }

    /// <summary>This member's disk was damaged, or is going to be.</summary>
    public bool IsCorrupted(NodeId member) => _corrupted.ContainsKey(member);

    /// <summary>Whether this may be done to this member's disk.</summary>
    /// <remarks>
    /// A lost disk takes what was known of it along. A disk that misdirects a write gets no other damage: a frame that is missing and a bit that has flipped in the header of the one behind it
    /// look together like one write that never finished, and nobody could tell.
    /// </remarks>
    public bool Allows(NodeId member, DiskCorruptionKind kind) =>
        _corrupted.TryGetValue(member, out var before) ? before == kind && kind == DiskCorruptionKind.InPlace : _corrupted.Count < CorruptedDisksMax;

    /// <summary>It is done.</summary>
    public void MarkCorrupted(NodeId member, DiskCorruptionKind kind) => _corrupted[member] = kind;
}

/// <summary>What a disk does with what it was given.</summary>
internal enum DiskCorruptionKind
{
    /// <summary>It changes it where it is, or no longer finds it.</summary>
    InPlace,

    /// <summary>It puts it somewhere else.</summary>
    Misdirected,

    /// <summary>It is replaced by an empty one.</summary>
    Wiped,
}
