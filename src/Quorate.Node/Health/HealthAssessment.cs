using System.Globalization;
using System.Text;
using Quorate.Raft;

namespace Quorate.Node.Health;

/// <summary>Judges the health of a cluster from what one node knows. A pure function: it reads no clock and no state.</summary>
/// <remarks>
/// <code>
///   the node     knows of the others                                          therefore
///   leads        replies, progress of the log, disk                           states who is healthy, quorum, failure tolerance
///   follows      the leader sends to it; closed connections                   has a quorum, and no failure tolerance
///   neither      closed connections                                           has no quorum, as far as it knows; tolerance 0
/// </code>
/// The failure tolerance errs on the side of safety: a member counts only if it could be one of a quorum at once. So a member that has not
/// replied to a new leader yet does not count.
/// </remarks>
internal static class HealthAssessment
{
    /// <summary>
    /// The election timeouts without progress after which it is reported: one slow flush, or one election, is no reason to report it.
    /// </summary>
    private const int StalledElectionTimeouts = 3;

    /// <summary>The problems that the summary names; it counts the rest.</summary>
    private const int SummarizedMax = 3;

    /// <summary>A flush or an acknowledgement that takes longer delays every write noticeably.</summary>
    private static readonly TimeSpan SlowMin = TimeSpan.FromMilliseconds(100);

    public static ClusterHealth Assess(HealthObservation observation)
    {
        var isPaused = observation.Age > observation.ElectionTimeout;
        var isLeaderView = observation.Role == Role.Leader && !isPaused;
        var members = observation.Members.Select(member => ToHealth(observation, member, isLeaderView)).ToArray();
        var tolerance = isLeaderView
            ? FailureTolerance.Of(observation.Configuration, node => Array.Exists(members, m => m.NodeId == node && m.IsHealthy == true))
            : -1;

        // While a change ends, the other members may still decide with the old half, and the leader does not send to it any more.
        if (!observation.IsConfigurationCommitted && !observation.Configuration.IsJoint)
            tolerance = Math.Min(tolerance, 0);

        // A quorum has elected a new leader; that the other members' replies are still on the way is no problem.
        var isNewLeader = isLeaderView && observation.SinceLeaderChange < observation.ElectionTimeout;
        var knowsQuorum = isLeaderView
            ? tolerance >= 0 || isNewLeader
            : observation.Leader != NodeId.None && !isPaused && observation.Role != Role.Leader;

        var problems = new List<HealthProblem>();
        AddClusterProblems(problems, observation, isPaused, hasQuorum: knowsQuorum, isLeaderView, members);
        for (var i = 0; i < members.Length; i++)
            AddMemberProblems(problems, observation, observation.Members[i], members[i], isLeaderView);
        problems.Sort(static (left, right) => (left.Kind, left.Member).CompareTo((right.Kind, right.Member)));

        var level = problems.Count == 0 ? HealthLevel.Healthy
            : problems[0].IsCritical ? HealthLevel.Critical
            : HealthLevel.Degraded;
        int? failureTolerance = isLeaderView || !knowsQuorum ? Math.Max(0, tolerance) : null;
        return new ClusterHealth
        {
            Observer = observation.Self,
            IsLeaderView = isLeaderView,
            Leader = observation.Leader,
            Term = observation.Term,
            HasQuorum = knowsQuorum,
            FailureTolerance = failureTolerance,
            Level = level,
            Problems = problems,
            Members = members,
            Summary = Summarize(observation, level, problems, members, isLeaderView, failureTolerance),
        };
    }

    private static MemberHealth ToHealth(HealthObservation observation, MemberObservation member, bool isLeaderView)
    {
        var isSelf = member.Node == observation.Self;
        var isKnownBad = IsUnreachable(observation, member, isLeaderView) || !CanWrite(member) || member.IsRepairing;
        return new MemberHealth
        {
            NodeId = member.Node,
            Name = member.Name,
            IsVoter = observation.Configuration.IsVoter(member.Node),
            IsHealthy = isKnownBad || (isLeaderView && IsLagging(observation, member)) ? false
                : isLeaderView || isSelf ? true
                : null,
            SinceLastContact = member.SinceLastContact,
            Storage = member.Storage,
            LagEntries = isLeaderView ? member.LagEntries : null,
            Lag = isLeaderView ? member.Lag : null,
            AcknowledgementTime = member.AcknowledgementTime,
            IsQuarantined = member.Diverges,
            IsRepairing = member.IsRepairing,
        };
    }

    /// <summary>
    /// A leader expects a reply to each heartbeat, a follower the heartbeats of its leader; other members may be silent for long.
    /// </summary>
    private static bool IsUnreachable(HealthObservation observation, MemberObservation member, bool isLeaderView)
    {
        if (member.Node == observation.Self)
            return false;
        var isExpected = isLeaderView || member.Node == observation.Leader;
        var silence = member.SinceLastContact ?? observation.SinceLeaderChange;
        return member.IsDisconnected || (isExpected && silence > observation.ElectionTimeout);
    }

    private static bool CanWrite(MemberObservation member) => member.Storage is not (StorageHealth.Full or StorageHealth.Stalled);

    private static bool IsLagging(HealthObservation observation, MemberObservation member) =>
        member.State is ReplicationState.Probe or ReplicationState.Snapshot || member.Lag > observation.ElectionTimeout;

    private static void AddClusterProblems(
        List<HealthProblem> problems, HealthObservation observation, bool isPaused, bool hasQuorum, bool isLeaderView,
        MemberHealth[] members)
    {
        void Add(HealthProblemKind kind, string text) => problems.Add(new HealthProblem { Kind = kind, Text = text });

        if (isPaused)
        {
            Add(
                HealthProblemKind.NodePaused,
                $"{NameOf(observation, observation.Self)} has not run for {Format(observation.Age)}: what it knows is old");
        }

        if (observation.Leader == NodeId.None)
            Add(HealthProblemKind.NoLeader, $"no leader is known for {Format(observation.SinceLeaderChange)}");
        else if (isLeaderView && !hasQuorum)
            Add(HealthProblemKind.NoQuorum, $"no quorum: {DescribeVoters(observation.Configuration, members)}");
        if (observation.UncommittedEntries > 0 && IsStalled(observation, observation.CommitStalledFor))
        {
            Add(
                HealthProblemKind.CommitStalled,
                $"the commit index has not moved for {Format(observation.CommitStalledFor)}, "
                + $"and {FormatEntries(observation.UncommittedEntries)} wait{Singular(observation.UncommittedEntries)} to be committed");
        }

        if (observation.StatesDiffer)
            Add(HealthProblemKind.StatesDiffer, "the states of the members differ, and no majority agrees");
        if (observation.QuorumIsShortOfSpace)
        {
            Add(
                HealthProblemKind.QuorumShortOfSpace,
                "the members that are not short of space are no quorum: writes that take more space are rejected");
        }
    }

    private static void AddMemberProblems(
        List<HealthProblem> problems, HealthObservation observation, MemberObservation member, MemberHealth health, bool isLeaderView)
    {
        void Add(HealthProblemKind kind, string text) =>
            problems.Add(new HealthProblem { Kind = kind, Member = member.Node, Text = text });

        var (name, isSelf) = (member.Name, member.Node == observation.Self);
        if (member.Diverges)
            Add(HealthProblemKind.Quarantined, $"{name} is quarantined: its state differs from that of a majority");
        if (IsUnreachable(observation, member, isLeaderView))
        {
            Add(HealthProblemKind.Unreachable, DescribeSilence(member, observation));

            // Whatever else was known of the member is out of date.
            return;
        }

        if (member.Storage == StorageHealth.Full)
            Add(HealthProblemKind.DiskFull, $"the disk of {name} is full");
        if (member.Storage == StorageHealth.Stalled)
            Add(HealthProblemKind.DiskStalled, $"the disk of {name} completes no write");
        if (member.Storage == StorageHealth.LowSpace)
            Add(HealthProblemKind.ShortOfSpace, $"the disk of {name} is short of space: {name} rejects writes that take more");
        if (member.IsRepairing)
            Add(HealthProblemKind.Repairing, $"{name} has lost entries, receives them again, and does not vote until then");
        if (isLeaderView && IsLagging(observation, member))
            Add(HealthProblemKind.Lagging, DescribeLag(member));
        if (isSelf && observation.UnappliedEntries > 0 && IsStalled(observation, observation.ApplyStalledFor))
        {
            Add(
                HealthProblemKind.ApplyStalled,
                $"the state machine of {name} has applied nothing for {Format(observation.ApplyStalledFor)}, "
                + $"and {FormatEntries(observation.UnappliedEntries)} wait{Singular(observation.UnappliedEntries)}");
        }

        var slowMin = observation.HeartbeatInterval > SlowMin ? observation.HeartbeatInterval : SlowMin;
        if (health.IsHealthy != false && member.AcknowledgementTime >= slowMin)
        {
            if (isSelf)
                Add(HealthProblemKind.DiskSlow, $"the disk of {name} is slow: a flush takes {Format(member.AcknowledgementTime.Value)}");
            else
            {
                Add(
                    HealthProblemKind.AcknowledgesSlowly,
                    $"{name} takes {Format(member.AcknowledgementTime.Value)} to acknowledge entries: its disk or the link to it is slow");
            }
        }
    }

    private static bool IsStalled(HealthObservation observation, TimeSpan duration) =>
        duration >= StalledElectionTimeouts * observation.ElectionTimeout;

    private static string DescribeSilence(MemberObservation member, HealthObservation observation) =>
        (member.IsDisconnected, member.SinceLastContact) switch
        {
            (true, { } since) => $"{member.Name} is not connected, and silent for {Format(since)}",
            (true, null) => $"{member.Name} is not connected",
            (false, { } since) => $"{member.Name} is silent for {Format(since)}",
            (false, null) => $"{member.Name} has not been heard of for {Format(observation.SinceLeaderChange)}",
        };

    private static string DescribeLag(MemberObservation member) => member.State switch
    {
        ReplicationState.Snapshot => $"{member.Name} is so far behind that it needs a snapshot",
        ReplicationState.Probe => $"it is not known yet how much of the log {member.Name} holds",
        _ => $"{member.Name} lacks {FormatEntries(member.LagEntries ?? 0)}, the oldest for {Format(member.Lag ?? TimeSpan.Zero)}",
    };

    private static string Summarize(
        HealthObservation observation, HealthLevel level, List<HealthProblem> problems, MemberHealth[] members, bool isLeaderView,
        int? tolerance)
    {
        var text = new StringBuilder(level.ToString());
        if (!isLeaderView)
        {
            var isFollower = observation.Role != Role.Leader && observation.Leader != NodeId.None;
            text.Append(isFollower ? ", seen from follower " : ", seen from ").Append(NameOf(observation, observation.Self));
        }

        text.Append(": ");
        foreach (var problem in problems.Take(SummarizedMax))
            text.Append(problem.Text).Append("; ");
        if (problems.Count > SummarizedMax)
            text.Append(CultureInfo.InvariantCulture, $"and {problems.Count - SummarizedMax} more; ");
        text.Append(Conclude(observation, problems, members, isLeaderView, tolerance));
        return text.Append('.').ToString();
    }

    private static string Conclude(
        HealthObservation observation, List<HealthProblem> problems, MemberHealth[] members, bool isLeaderView, int? tolerance)
    {
        if (problems.Exists(static problem => problem.Kind == HealthProblemKind.NodePaused))
            return "ask another member";
        if (observation.Leader == NodeId.None)
            return "writes and linearizable reads wait";
        if (problems.Exists(static problem => problem.Kind == HealthProblemKind.NoQuorum))
            return "writes wait";
        return isLeaderView
            ? $"{DescribeVoters(observation.Configuration, members)}; {DescribeTolerance(tolerance ?? 0)}"
            : $"it follows {NameOf(observation, observation.Leader)}, and only the leader knows how many members may fail";
    }

    private static string DescribeTolerance(int tolerance) => tolerance switch
    {
        0 => "no more may fail",
        1 => "1 more may fail",
        _ => $"{tolerance} more may fail",
    };

    private static string DescribeVoters(Configuration configuration, MemberHealth[] members)
    {
        string Describe(IReadOnlyCollection<NodeId> voters)
        {
            var healthy = voters.Count(voter => Array.Exists(members, member => member.NodeId == voter && member.IsHealthy == true));
            return $"{healthy} of {voters.Count} voter{(voters.Count == 1 ? "" : "s")} {(healthy == 1 ? "is" : "are")} healthy";
        }

        return configuration.IsJoint
            ? $"{Describe(configuration.Voters)} in the new configuration, and {Describe(configuration.Outgoing)} in the old one"
            : Describe(configuration.Voters);
    }

    private static string NameOf(HealthObservation observation, NodeId node) =>
        observation.Members.FirstOrDefault(member => member.Node == node)?.Name ?? node.ToString();

    private static string Format(TimeSpan duration) => duration < TimeSpan.FromSeconds(1)
        ? string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:F0} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:F1} s");

    private static string Singular(long entries) => entries == 1 ? "s" : "";

    private static string FormatEntries(long entries) =>
        entries == 1 ? "1 entry" : string.Create(CultureInfo.InvariantCulture, $"{entries:N0} entries");
}
