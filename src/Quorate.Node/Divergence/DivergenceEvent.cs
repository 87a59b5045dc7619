using Quorate.Raft;

namespace Quorate.Node.Divergence;

/// <summary>What a comparison of state hashes found.</summary>
internal enum DivergenceKind
{
    /// <summary>A majority has another hash than this member.</summary>
    SelfDiverges,

    /// <summary>A majority, with this member, has another hash than <see cref="DivergenceEvent.Peer"/>.</summary>
    PeerDiverges,

    /// <summary>A peer that diverged has the hash of the majority again: it was rebuilt.</summary>
    PeerAgrees,

    /// <summary>The hashes differ, and no majority has the same.</summary>
    NoMajority,

    /// <summary>After <see cref="NoMajority"/>, a majority has the same hash.</summary>
    MajorityAgrees,
}

/// <summary>A result of a comparison of state hashes.</summary>
/// <param name="Kind">What was found.</param>
/// <param name="Peer">The peer that it is about, or none.</param>
/// <param name="Index">The entry after which the hashes were taken.</param>
/// <param name="Own">The hash of this member.</param>
/// <param name="Other">The hash of the majority, or of the peer.</param>
internal readonly record struct DivergenceEvent(DivergenceKind Kind, NodeId Peer, LogIndex Index, ulong Own, ulong Other);
