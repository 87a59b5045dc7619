using System.Collections.Immutable;

namespace Quorate.Raft;

/// <summary>The members of the cluster and which of them vote.</summary>
/// <remarks>
/// Shape: all three lists are in id order and contain no id twice. <see cref="Outgoing"/> is empty except while a change is in progress:
/// then a decision takes a majority of <see cref="Voters"/> and a majority of <see cref="Outgoing"/>. A learner is in neither. Source:
/// thesis §4.3 (joint consensus), §4.2.1 (learners).
/// </remarks>
public sealed class Configuration
{
    /// <summary>Creates a configuration; the lists are sorted.</summary>
    /// <exception cref="ArgumentException">
    /// An id is 0 or listed twice, a learner is also a voter, or there are no voters or more than <see cref="Quorum.VotersMax"/>.
    /// </exception>
    public Configuration(IEnumerable<NodeId> voters, IEnumerable<NodeId>? outgoing = null, IEnumerable<NodeId>? learners = null)
    {
        Voters = [.. voters.Order()];
        Outgoing = outgoing is null ? [] : [.. outgoing.Order()];
        Learners = learners is null ? [] : [.. learners.Order()];
        Members = [.. Voters.Concat(Outgoing).Concat(Learners).Distinct().Order()];

        if (Voters.IsEmpty)
            throw new ArgumentException("a configuration has at least one voter", nameof(voters));
        if (Math.Max(Voters.Length, Outgoing.Length) > Quorum.VotersMax)
            throw new ArgumentException(
                $"{Math.Max(Voters.Length, Outgoing.Length)} members vote; a configuration has at most {Quorum.VotersMax} voters",
                nameof(voters));
        if (Members[0] == NodeId.None)
            throw new ArgumentException("0 is not a valid member id");
        foreach (var list in new[] { Voters, Outgoing, Learners })
        {
            for (var i = 1; i < list.Length; i++)
            {
                if (list[i] == list[i - 1])
                    throw new ArgumentException($"member {list[i]} is listed twice");
            }
        }

        foreach (var learner in Learners)
        {
            if (IsVoter(learner))
                throw new ArgumentException($"member {learner} is both voter and learner", nameof(learners));
        }
    }

    /// <summary>The voters of the configuration; while a change is in progress, those of the new configuration.</summary>
    public ImmutableArray<NodeId> Voters { get; }

    /// <summary>While a change is in progress, the voters of the old configuration; otherwise empty.</summary>
    public ImmutableArray<NodeId> Outgoing { get; }

    /// <summary>The members that receive the log and do not vote.</summary>
    public ImmutableArray<NodeId> Learners { get; }

    /// <summary>All members, in id order, each once.</summary>
    public ImmutableArray<NodeId> Members { get; }

    /// <summary>Whether a change is in progress.</summary>
    public bool IsJoint => !Outgoing.IsEmpty;

    /// <summary>Whether the member votes in either half.</summary>
    public bool IsVoter(NodeId node) => Voters.BinarySearch(node) >= 0 || Outgoing.BinarySearch(node) >= 0;

    /// <inheritdoc/>
    public override string ToString() =>
        $"({string.Join(' ', Voters)})"
        + (IsJoint ? $"&({string.Join(' ', Outgoing)})" : "")
        + (Learners.IsEmpty ? "" : $" learners({string.Join(' ', Learners)})");
}
