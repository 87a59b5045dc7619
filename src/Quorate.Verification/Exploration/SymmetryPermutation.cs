using System.Collections.Immutable;
using Quorate.Raft;
using Quorate.Verification.ModelChecking;

namespace Quorate.Verification.Exploration;

/// <summary>Writes a state with the ids of its members permuted.</summary>
/// <remarks>
/// Two clusters that differ only by a permutation of their members behave the same, so one of them is enough: the explorer represents a
/// state by the least hash over all permutations.
/// </remarks>
internal readonly struct SymmetryPermutation : IModelStateWriter
{
    private readonly StateEncoder _encoder;
    private readonly ImmutableArray<ulong> _newIds;

    private SymmetryPermutation(StateEncoder encoder, int index, ImmutableArray<NodeId> members)
    {
        _encoder = encoder;
        Index = index;
        Members = members;
        var newIds = new ulong[members.Length + 1];
        for (var i = 0; i < members.Length; i++)
            newIds[members[i].Value] = (ulong)i + 1;
        _newIds = [.. newIds];
    }

    /// <summary>Index of this permutation among all permutations.</summary>
    public int Index { get; }

    /// <inheritdoc/>
    public ImmutableArray<NodeId> Members { get; }

    /// <summary>
    /// All permutations of members 1 to <paramref name="members"/>, or only the identity; the identity is always the first.
    /// </summary>
    public static SymmetryPermutation[] All(int members, bool symmetric)
    {
        var encoder = new StateEncoder();
        var found = new List<SymmetryPermutation>();
        Extend([]);
        return [.. found];

        void Extend(ImmutableArray<NodeId> named)
        {
            if (named.Length == members)
                found.Add(new SymmetryPermutation(encoder, found.Count, named));
            for (var id = 1UL; id <= (ulong)members && (symmetric || found.Count == 0); id++)
            {
                if (!named.Contains(new NodeId(id)))
                    Extend(named.Add(new NodeId(id)));
            }
        }
    }

    /// <inheritdoc/>
    public void Number(ulong value) => _encoder.Write(value);

    /// <inheritdoc/>
    public void Node(NodeId node) => _encoder.Write(NewIdOf(node));

    /// <summary>The id that a member has under this permutation; 0 for <see cref="NodeId.None"/>.</summary>
    public ulong NewIdOf(NodeId node) => _newIds[(int)node.Value];

    /// <inheritdoc/>
    public void Bytes(ReadOnlySpan<byte> bytes) => _encoder.Write(bytes);

    /// <summary>Writes messages as a set: neither the network nor a list of held messages has an order that matters.</summary>
    public void Messages(ReadOnlySpan<SentMessage> messages)
    {
        var sum = 0UL;
        foreach (var message in messages)
            sum += StateEncoder.Mix(message.HashUnder(Index));
        _encoder.Write(messages.Length);
        _encoder.Write(sum);
    }

    public void Begin() => _encoder.Clear();

    public ulong End() => _encoder.Hash();
}
