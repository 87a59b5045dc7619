using Quorate.Raft;

namespace Quorate.Node.Divergence;

/// <summary>What the comparison of the members' states has found, at one moment.</summary>
/// <param name="IsQuarantined">Whether this member is quarantined.</param>
/// <param name="Diverging">The other members whose state differs from that of a majority, in id order.</param>
/// <param name="HasNoMajority">Whether states differ and no majority agrees.</param>
internal readonly record struct DivergenceStatus(bool IsQuarantined, IReadOnlyList<NodeId> Diverging, bool HasNoMajority);
