using Quorate.Raft;

namespace Quorate.Node.Health;

/// <summary>Something that is wrong with a cluster or one of its members.</summary>
public sealed class HealthProblem
{
    /// <summary>The kind of the problem.</summary>
    public required HealthProblemKind Kind { get; init; }

    /// <summary>The member that has the problem; <see cref="NodeId.None"/>: the cluster has it.</summary>
    public NodeId Member { get; init; }

    /// <summary>The problem in words, with the name of the member; neither capitalized nor ended by a full stop.</summary>
    public required string Text { get; init; }

    /// <summary>Whether clients notice it: the cluster does not serve some of their requests.</summary>
    public bool IsCritical => Kind <= HealthProblemKind.QuorumShortOfSpace;

    /// <inheritdoc/>
    public override string ToString() => Text;
}
