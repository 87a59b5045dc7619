using System.Collections.Immutable;

namespace Quorate.Raft;

/// <summary>The members of the cluster and which of them vote.</summary>
/// <remarks>
/// Shape: all lists are in id order and contain no id twice. <see cref="Outgoing"/> is empty except while a change is in progress: then a
/// decision takes a majority of <see cref="Voters"/> and a majority of <see cref="Outgoing"/>. A learner is no voter; while a change is in
/// progress, a voter that becomes a learner is in <see cref="Outgoing"/> and in <see cref="Learners"/>. Source: thesis §4.3 (joint
/// consensus), §4.2.1 (learners).
/// </remarks>
public sealed class Configuration
{
    /// <summary>The most members of a configuration, learners included.</summary>
    public const int MembersMax = 2 * Quorum.VotersMax;

    /// <summary>Creates a configuration; the lists are sorted.</summary>
    /// <param name="voters">The voters; while a change is in progress, those of the new configuration.</param>
    /// <param name="outgoing">While a change is in progress, the voters of the old configuration.</param>
    /// <param name="learners">The members that do not vote in the new configuration.</param>
    /// <param name="details">What is known of the members; a member without details is <see cref="Member.Initial"/>.</param>
    /// <exception cref="ArgumentException">
    /// An id is 0 or listed twice, a learner is also a voter, there are no voters or more than <see cref="Quorum.VotersMax"/>, or more
    /// members than <see cref="MembersMax"/>.
    /// </exception>
    public Configuration(
        IEnumerable<NodeId> voters, IEnumerable<NodeId>? outgoing = null, IEnumerable<NodeId>? learners = null,
        IEnumerable<Member>? details = null)
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
        if (Members.Length > MembersMax)
            throw new ArgumentException($"{Members.Length} members; a configuration has at most {MembersMax}", nameof(learners));
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
            if (Voters.BinarySearch(learner) >= 0)
                throw new ArgumentException($"member {learner} is both voter and learner", nameof(learners));
        }

        var known = details?.ToDictionary(static member => member.Id) ?? [];
        Details = [.. Members.Select(id => known.GetValueOrDefault(id) ?? Member.Initial(id))];
    }

    private Configuration()
    {
        (Voters, Outgoing, Learners, Members, Details) = ([], [], [], [], []);
    }

    /// <summary>
    /// No members: what a node knows that was started to join a cluster, until it has received the configuration that contains it. No
    /// quorum exists in it.
    /// </summary>
    public static Configuration None { get; } = new();

    /// <summary>The voters of the configuration; while a change is in progress, those of the new configuration.</summary>
    public ImmutableArray<NodeId> Voters { get; }

    /// <summary>While a change is in progress, the voters of the old configuration; otherwise empty.</summary>
    public ImmutableArray<NodeId> Outgoing { get; }

    /// <summary>The members that receive the log and do not vote; while a change is in progress, those of the new configuration.</summary>
    public ImmutableArray<NodeId> Learners { get; }

    /// <summary>All members, in id order, each once.</summary>
    public ImmutableArray<NodeId> Members { get; }

    /// <summary>What is known of each of <see cref="Members"/>, in the same order.</summary>
    public ImmutableArray<Member> Details { get; }

    /// <summary>Whether a change is in progress.</summary>
    public bool IsJoint => !Outgoing.IsEmpty;

    /// <summary>Whether there are no members.</summary>
    public bool IsEmpty => Members.IsEmpty;

    /// <summary>Whether the member votes in either half.</summary>
    public bool IsVoter(NodeId node) => Voters.BinarySearch(node) >= 0 || Outgoing.BinarySearch(node) >= 0;

    /// <summary>Whether the node is a member.</summary>
    public bool IsMember(NodeId node) => Members.BinarySearch(node) >= 0;

    /// <summary>Returns what is known of a member; null if it is none.</summary>
    public Member? Find(NodeId node) => Members.BinarySearch(node) is >= 0 and var at ? Details[at] : null;

    /// <summary>Whether the votes and the acknowledgements of a member count.</summary>
    public bool IsCounted(NodeId node) => Find(node) is { IsCounted: true };

    /// <summary>Returns the configuration in which the change is complete: the new voters alone form quorums.</summary>
    internal Configuration LeaveJoint()
    {
        Invariant.That(IsJoint, "only a joint configuration is left");
        return new Configuration(Voters, null, Learners, Details);
    }

    /// <summary>Returns the configuration with other details of its members.</summary>
    internal Configuration WithDetails(IEnumerable<Member> details) => new(Voters, Outgoing, Learners, details);

    /// <inheritdoc/>
    public override string ToString() =>
        $"({string.Join(' ', Voters)})"
        + (IsJoint ? $"&({string.Join(' ', Outgoing)})" : "")
        + (Learners.IsEmpty ? "" : $" learners({string.Join(' ', Learners)})");
}
