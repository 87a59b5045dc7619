using System.Collections.Immutable;

namespace Quorate.Raft;

/// <summary>Receives a state, number by number; the receiver maps the ids of members.</summary>
/// <remarks>
/// Two clusters that differ only by a permutation of the member ids behave alike. To find such pairs, the explorer writes a state under all
/// permutations and compares the results. So a node id is never written as a number, and per-member state is written in the order of
/// <see cref="Members"/>.
/// </remarks>
internal interface IModelStateWriter
{
    /// <summary>All members, in the order of their mapped ids.</summary>
    ImmutableArray<NodeId> Members { get; }

    /// <summary>Writes a number that does not depend on member ids.</summary>
    void Number(ulong value);

    /// <summary>Writes a member, or no node.</summary>
    void Node(NodeId node);

    /// <summary>Writes bytes.</summary>
    void Bytes(ReadOnlySpan<byte> bytes);
}
