using System.Collections.Immutable;

namespace Quorate.Raft;

/// <summary>Takes a state, number by number, with its members under names that the taker gives them.</summary>
/// <remarks>
/// Two clusters that differ only in who is called what behave alike. Whoever looks for such pairs writes a state under all names and compares: so a node is never
/// written as a number, and what is held for each member is written in the order of <see cref="Members"/>.
/// </remarks>
internal interface IStateWriter
{
    /// <summary>All members, in the order of their names here.</summary>
    ImmutableArray<NodeId> Members { get; }

    /// <summary>A number that means the same whoever is called what.</summary>
    void Number(ulong value);

    /// <summary>A member, or nobody.</summary>
    void Node(NodeId node);

    /// <summary>Bytes.</summary>
    void Bytes(ReadOnlySpan<byte> bytes);
}
