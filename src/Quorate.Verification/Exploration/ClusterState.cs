using Quorate.Raft;
using Quorate.Verification.ModelChecking;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Exploration;

/// <summary>State of the whole cluster. A step creates a new one, which shares the unchanged components with this one.</summary>
/// <param name="Members">The members in id order.</param>
/// <param name="Network">The messages in flight. They are a set: equal messages are stored once.</param>
/// <param name="Ghost">Ghost state: history that the properties refer to.</param>
/// <param name="Spent">How often each action has happened, of those that <see cref="ModelConfig.Budget"/> limits.</param>
/// <param name="Isolated">The isolated member, which neither sends nor receives; none if zero.</param>
internal sealed record ClusterState(MemberState[] Members, SentMessage[] Network, GhostState Ghost, ActionBudget Spent,
    NodeId Isolated = default)
{
    /// <summary>
    /// State of the specification on the path on which this state was first reached. It depends on that path, so it is not part of the
    /// state's identity.
    /// </summary>
    public SpecificationState? SpecState { get; init; }

    public MemberState this[NodeId id] => Members[(int)id.Value - 1];

    /// <summary>Returns the state with a member replaced.</summary>
    public ClusterState With(MemberState member)
    {
        var members = Members.ToArray();
        members[(int)member.Id.Value - 1] = member;
        return this with { Members = members };
    }

    /// <summary>Writes the state under one permutation, each component as its cached hash.</summary>
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

    /// <summary>Whether neither sender nor receiver of a message is isolated.</summary>
    public bool IsDeliverable(SentMessage message) =>
        Isolated == NodeId.None || (message.Message.From != Isolated && message.Message.To != Isolated);

    public override string ToString() => string.Join('\n', Members.Select(static member => member.ToString())
        .Concat(Network.Select(static message => $"in flight: {message}")));
}
