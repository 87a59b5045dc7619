using Quorate.Raft;

namespace Quorate.Node.Health;

/// <summary>The health of a cluster in one answer, as one of its members sees it at one moment.</summary>
/// <remarks>
/// The leader knows how far each member has the log, and whether it can write its disk. Every other node knows its leader, its own disk and
/// its connections: it leaves open what it does not know. A member that freezes without closing its connections counts as healthy until it
/// has not replied for an election timeout.
/// </remarks>
public sealed class ClusterHealth
{
    /// <summary>The member whose view this is.</summary>
    public required NodeId Observer { get; init; }

    /// <summary>Whether the observer leads. Only a leader knows the failure tolerance of a cluster that has a leader.</summary>
    public required bool IsLeaderView { get; init; }

    /// <summary>The leader that the observer knows, or <see cref="NodeId.None"/>.</summary>
    public required NodeId Leader { get; init; }

    /// <summary>The term of the observer.</summary>
    public required Term Term { get; init; }

    /// <summary>
    /// Whether the cluster has a quorum, as far as the observer knows: at the leader, whether the healthy voters are one; at another node,
    /// whether it has a leader.
    /// </summary>
    public required bool HasQuorum { get; init; }

    /// <summary>
    /// How many more voters may fail, whichever they are, before the cluster has no quorum. 0 without a quorum. Null at a node that has a
    /// leader and does not lead: it does not know.
    /// </summary>
    /// <remarks>While a membership change is in progress, it is that of the half with the smaller one. Learners do not count.</remarks>
    public required int? FailureTolerance { get; init; }

    /// <summary>Whether anything is wrong, as far as the observer knows, and whether clients notice it.</summary>
    public required HealthLevel Level { get; init; }

    /// <summary>What is wrong, the most severe first.</summary>
    public required IReadOnlyList<HealthProblem> Problems { get; init; }

    /// <summary>The members, in id order.</summary>
    public required IReadOnlyList<MemberHealth> Members { get; init; }

    /// <summary>The answer in words, problems first. It names the observer if that is not the leader.</summary>
    public required string Summary { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Summary;
}
