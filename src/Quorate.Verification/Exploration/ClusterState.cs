using Quorate.Raft;
using Quorate.Verification.ModelChecking;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Exploration;

/// <summary>A whole cluster at one moment. A step makes another, which shares with this one whatever did not change.</summary>
/// <param name="Members">In id order.</param>
/// <param name="Network">Messages on their way. It is a set: the same one sent twice is one, unless it is duplicated.</param>
/// <param name="Ghost">What was said and must stay true.</param>
/// <param name="Spent">How often each thing has happened.</param>
/// <param name="Isolated">The member that nobody can reach and that can reach nobody.</param>
internal sealed record ClusterState(Member[] Members, SentMessage[] Network, GhostState Ghost, Budget Spent, NodeId Isolated = default)
{
    /// <summary>Where the specification stands on the way by which this state was met first. It is told by the way, and is no part of the state.</summary>
    public SpecificationState? SpecState { get; init; }

    public Member this[NodeId id] => Members[(int)id.Value - 1];

    /// <summary>The state written under one renaming: part by part, each as the hash it has kept.</summary>
    public void Write(in SymmetryPermutation permutation, StateEncoder encoder)
    {
        encoder.Clear();
        encoder.Write(permutation.NewIdOf(Isolated));
        foreach (var member in permutation.Members)
            encoder.Write(this[member].HashUnder(permutation.Index));

        var network = 0UL;
        foreach (var message in Network)
            network += StateEncoder.Mix(message.HashUnder(permutation.Index));
        encoder.Write(network);
        encoder.Write(Ghost.HashUnder(permutation.Index));
        Spent.Write(encoder);
    }

    /// <summary>Whether a message can arrive, or leave.</summary>
    public bool IsDeliverable(SentMessage message) => Isolated == NodeId.None || (message.Message.From != Isolated && message.Message.To != Isolated);

    public override string ToString() => string.Join('\n', Members.Select(static member => member.ToString())
        .Concat(Network.Select(static message => $"on its way: {message}")));
}
