using Quorate.Raft;

namespace Quorate.Node;

/// <summary>Why a node is quarantined: its state machine is not in the state that the log prescribes.</summary>
/// <remarks>
/// A quarantined node votes and acknowledges entries, because its log is right. It rejects proposals and reads, takes and sends no
/// snapshots, and does not lead if another member can. A program that reads its state machine without the node must not serve what it
/// reads. Durability: a marker in the data directory, so a restart does not end it; docs/operating/divergence.md describes what does.
/// </remarks>
public sealed class Quarantine
{
    /// <summary>The entry after which the state was found to be wrong; it may have been wrong for some entries before.</summary>
    public required LogIndex Entry { get; init; }

    /// <summary>What was found, in words.</summary>
    public required string Reason { get; init; }
}
