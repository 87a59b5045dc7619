using System.Collections.Immutable;

namespace Quorate.Raft;

/// <summary>Who belongs to the cluster, and who decides.</summary>
/// <remarks>
/// Shape: all three lists are in id order and hold no id twice. <see cref="Outgoing"/> is empty but while a change is under way: then a
/// decision takes a majority of <see cref="Voters"/> and a majority of <see cref="Outgoing"/>. A learner is in neither.
/// Source: thesis §4.3 (joint consensus), §4.2.1 (learners).
/// </remarks>
public sealed class Configuration
{
    /// <summary>Makes a configuration; the lists are sorted.</summary>
    /// <exception cref="ArgumentException">An id is 0 or stands twice, a learner votes, or there is no voter, or more than <see cref="Quorum.VotersMax"/>.</exception>
    public Configuration(IEnumerable<NodeId> voters, IEnumerable<NodeId>? outgoing = null, IEnumerable<NodeId>? learners = null)
    {
        Voters = [.. voters.Order()];
        Outgoing = outgoing is null ? [] : [.. outgoing.Order()];
        Learners = learners is null ? [] : [.. learners.Order()];
        Members = [.. Voters.Concat(Outgoing).Concat(Learners).Distinct().Order()];

        if (Voters.IsEmpty)
            throw new ArgumentException("a configuration has at least one voter", nameof(voters));
        if (Math.Max(Voters.Length, Outgoing.Length) > Quorum.VotersMax)
            throw new ArgumentException($"{Math.Max(Voters.Length, Outgoing.Length)} members vote; a configuration has at most {Quorum.VotersMax} voters", nameof(voters));
        if (Members[0] == NodeId.None)
            throw new ArgumentException("0 is nobody and cannot be a member");
        foreach (var list in new[] { Voters, Outgoing, Learners })
        {
            for (var i = 1; i < list.Length; i++)
            {
                if (list[i] == list[i - 1])
                    throw new ArgumentException($"member {list[i]} stands twice in one list");
            }
        }

        foreach (var learner in Learners)
        {
            if (IsVoter(learner))
                throw new ArgumentException($"member {learner} is both voter and learner", nameof(learners));
        }
    }

    /// <summary>Those who vote in the configuration that is, or is coming.</summary>
    public ImmutableArray<NodeId> Voters { get; }

    /// <summary>While a change is under way, those who voted before it; else empty.</summary>
    public ImmutableArray<NodeId> Outgoing { get; }

    /// <summary>Those who receive the log and do not vote.</summary>
    public ImmutableArray<NodeId> Learners { get; }

    /// <summary>All of them, in id order, each once.</summary>
    public ImmutableArray<NodeId> Members { get; }

    /// <summary>Whether a change is under way.</summary>
    public bool IsJoint => !Outgoing.IsEmpty;

    /// <summary>Whether this member's vote counts, in either half.</summary>
    public bool IsVoter(NodeId node) => Voters.BinarySearch(node) >= 0 || Outgoing.BinarySearch(node) >= 0;

    /// <inheritdoc/>
    public override string ToString() =>
        $"({string.Join(' ', Voters)}){(IsJoint ? $"&({string.Join(' ', Outgoing)})" : "")}{(Learners.IsEmpty ? "" : $" learners({string.Join(' ', Learners)})")}";
}
