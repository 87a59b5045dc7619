using Quorate.Node.Health;
using Quorate.Raft;

namespace Quorate.Node.Tests.Health;

/// <summary>What the assessment states, from what a node knows.</summary>
public sealed class HealthAssessmentTests
{
    private static readonly TimeSpan ElectionTimeout = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_leader_whose_followers_reply_is_healthy_and_states_the_tolerance()
    {
        var health = HealthAssessment.Assess(Leader());

        Assert.Equal((HealthLevel.Healthy, true, 1), (health.Level, health.HasQuorum, health.FailureTolerance));
        Assert.Empty(health.Problems);
        Assert.All(health.Members, static member => Assert.True(member.IsHealthy));
        Assert.Equal("Healthy: 3 of 3 voters are healthy; 1 more may fail.", health.Summary);
    }

    [Fact]
    public void A_silent_follower_reduces_the_tolerance()
    {
        var health = HealthAssessment.Assess(Leader(Follower(3) with { SinceLastContact = TimeSpan.FromSeconds(12.34) }));

        Assert.Equal((HealthLevel.Degraded, true, 0), (health.Level, health.HasQuorum, health.FailureTolerance));
        Assert.Equal("Degraded: n3 is silent for 12.3 s; 2 of 3 voters are healthy; no more may fail.", health.Summary);
    }

    [Fact]
    public void A_follower_whose_connection_was_closed_does_not_count_from_that_moment()
    {
        var health = HealthAssessment.Assess(Leader(Follower(3) with { IsDisconnected = true }));

        Assert.Equal(0, health.FailureTolerance);
        Assert.Equal((HealthProblemKind.Unreachable, new NodeId(3)), (health.Problems[0].Kind, health.Problems[0].Member));
    }

    [Theory]
    [InlineData(StorageHealth.Full, HealthProblemKind.DiskFull, 0)]
    [InlineData(StorageHealth.Stalled, HealthProblemKind.DiskStalled, 0)]
    [InlineData(StorageHealth.LowSpace, HealthProblemKind.ShortOfSpace, 1)]
    public void A_member_counts_only_if_it_can_write_its_disk(StorageHealth storage, HealthProblemKind problem, int tolerance)
    {
        var ofFollower = HealthAssessment.Assess(Leader(Follower(2) with { Storage = storage }));
        var ofLeader = HealthAssessment.Assess(Leader(Self(1) with { Storage = storage }));

        Assert.Equal((problem, tolerance), (Assert.Single(ofFollower.Problems).Kind, ofFollower.FailureTolerance));
        Assert.Equal((problem, tolerance), (Assert.Single(ofLeader.Problems).Kind, ofLeader.FailureTolerance));
    }

    [Fact]
    public void A_member_that_does_not_vote_because_it_is_repairing_does_not_count()
    {
        var health = HealthAssessment.Assess(Leader(Follower(2) with { IsRepairing = true }));

        Assert.Equal((HealthProblemKind.Repairing, 0), (Assert.Single(health.Problems).Kind, health.FailureTolerance));
    }

    [Fact]
    public void A_quarantined_member_is_a_problem_and_still_counts()
    {
        var health = HealthAssessment.Assess(Leader(Follower(2) with { Diverges = true }));

        Assert.Equal((HealthProblemKind.Quarantined, 1), (Assert.Single(health.Problems).Kind, health.FailureTolerance));
    }

    [Fact]
    public void A_member_that_lacks_entries_older_than_an_election_timeout_does_not_count()
    {
        var late = Follower(2) with { LagEntries = 12_400, Lag = ElectionTimeout };
        Assert.Equal(1, HealthAssessment.Assess(Leader(late)).FailureTolerance);

        var health = HealthAssessment.Assess(Leader(late with { Lag = TimeSpan.FromSeconds(3.1) }));

        Assert.Equal(0, health.FailureTolerance);
        Assert.Equal("n2 lacks 12,400 entries, the oldest for 3.1 s", Assert.Single(health.Problems).Text);
    }

    [Theory]
    [InlineData(ReplicationState.Probe, "it is not known yet how much of the log n2 holds")]
    [InlineData(ReplicationState.Snapshot, "n2 is so far behind that it needs a snapshot")]
    public void A_member_whose_log_is_not_known_to_agree_does_not_count(ReplicationState state, string text)
    {
        var health = HealthAssessment.Assess(Leader(Follower(2) with { State = state }));

        Assert.Equal((0, text), (health.FailureTolerance, Assert.Single(health.Problems).Text));
    }

    [Fact]
    public void A_leader_without_a_healthy_quorum_states_that_first()
    {
        var health = HealthAssessment.Assess(
            Leader(Follower(2) with { Storage = StorageHealth.Full }, Follower(3) with { IsDisconnected = true }));

        Assert.Equal((HealthLevel.Critical, false, 0), (health.Level, health.HasQuorum, health.FailureTolerance));
        Assert.Equal(
            "Critical: no quorum: 1 of 3 voters is healthy; n3 is not connected, and silent for 20 ms; the disk of n2 is full; "
            + "writes wait.",
            health.Summary);
    }

    [Fact]
    public void A_new_leader_that_has_no_replies_yet_has_a_quorum_and_states_no_tolerance()
    {
        var leader = Leader(Follower(2) with { State = ReplicationState.Probe }, Follower(3) with { State = ReplicationState.Probe });

        var health = HealthAssessment.Assess(leader with { SinceLeaderChange = TimeSpan.FromMilliseconds(1) });

        Assert.Equal((true, 0), (health.HasQuorum, health.FailureTolerance));
    }

    [Fact]
    public void A_joint_configuration_has_the_tolerance_of_its_weaker_half()
    {
        var configuration = new Configuration([new(1), new(2), new(3)], outgoing: [new(1), new(2)]);

        var health = HealthAssessment.Assess(Leader() with { Configuration = configuration });

        Assert.Equal(0, health.FailureTolerance);
        Assert.Equal(
            "Healthy: 3 of 3 voters are healthy in the new configuration, and 2 of 2 voters are healthy in the old one; no more may fail.",
            health.Summary);
    }

    /// <summary>
    /// From 1 2 3 to 1 4 5: when 1 has appended the new configuration and 4 and 5 have not, they elect no leader without 2 and 3.
    /// </summary>
    [Fact]
    public void No_more_may_fail_until_the_end_of_a_change_is_committed()
    {
        var changing = Leader() with { IsConfigurationCommitted = false };
        var joint = new Configuration([new(1), new(2), new(3)], outgoing: [new(1), new(2), new(3)]);

        Assert.Equal((true, 0), (HealthAssessment.Assess(changing).HasQuorum, HealthAssessment.Assess(changing).FailureTolerance));
        Assert.Equal(1, HealthAssessment.Assess(changing with { Configuration = joint }).FailureTolerance);
    }

    [Fact]
    public void A_commit_index_that_does_not_move_is_critical_although_all_members_reply()
    {
        var waiting = Leader() with { UncommittedEntries = 3, CommitStalledFor = 2.9 * ElectionTimeout };
        Assert.Equal(HealthLevel.Healthy, HealthAssessment.Assess(waiting).Level);

        var health = HealthAssessment.Assess(waiting with { CommitStalledFor = 3 * ElectionTimeout });

        Assert.Equal((HealthLevel.Critical, HealthProblemKind.CommitStalled), (health.Level, Assert.Single(health.Problems).Kind));
        Assert.Equal(
            HealthLevel.Healthy,
            HealthAssessment.Assess(waiting with { UncommittedEntries = 0, CommitStalledFor = TimeSpan.MaxValue }).Level);
    }

    [Fact]
    public void A_state_machine_that_applies_nothing_is_a_problem()
    {
        var health = HealthAssessment.Assess(Leader() with { UnappliedEntries = 1, ApplyStalledFor = TimeSpan.FromSeconds(4) });

        Assert.Equal("the state machine of n1 has applied nothing for 4.0 s, and 1 entry waits", Assert.Single(health.Problems).Text);
    }

    [Fact]
    public void A_slow_disk_and_a_slow_follower_are_problems_that_cost_no_tolerance()
    {
        var health = HealthAssessment.Assess(Leader(
            Self(1) with { AcknowledgementTime = TimeSpan.FromMilliseconds(100) },
            Follower(2) with { AcknowledgementTime = TimeSpan.FromMilliseconds(250) },
            Follower(3) with { AcknowledgementTime = TimeSpan.FromMilliseconds(99) }));

        Assert.Equal([HealthProblemKind.DiskSlow, HealthProblemKind.AcknowledgesSlowly], health.Problems.Select(static p => p.Kind));
        Assert.Equal([new NodeId(1), new NodeId(2)], health.Problems.Select(static p => p.Member));
        Assert.Equal(1, health.FailureTolerance);
    }

    [Fact]
    public void A_follower_states_that_it_is_one_and_no_tolerance()
    {
        var health = HealthAssessment.Assess(NotLeading(leader: 1));

        Assert.Equal((false, true, null), (health.IsLeaderView, health.HasQuorum, health.FailureTolerance));
        Assert.Equal([null, true, null], health.Members.Select(static member => member.IsHealthy));
        Assert.Equal(
            "Healthy, seen from follower n2: it follows n1, and only the leader knows how many members may fail.", health.Summary);
    }

    [Fact]
    public void A_follower_does_not_report_the_silence_of_another_follower()
    {
        var health = HealthAssessment.Assess(NotLeading(leader: 1, Other(3) with { SinceLastContact = TimeSpan.FromHours(1) }));

        Assert.Empty(health.Problems);
    }

    [Fact]
    public void A_node_without_a_leader_has_no_quorum_and_tolerance_0()
    {
        var health = HealthAssessment.Assess(
            NotLeading(leader: 0, Other(1) with { IsDisconnected = true, SinceLastContact = TimeSpan.FromSeconds(3.2) }));

        Assert.Equal((HealthLevel.Critical, false, 0), (health.Level, health.HasQuorum, health.FailureTolerance));
        Assert.Equal(
            "Critical, seen from n2: no leader is known for 60.0 s; n1 is not connected, and silent for 3.2 s; "
            + "writes and linearizable reads wait.",
            health.Summary);
    }

    [Fact]
    public void A_leader_that_has_not_run_states_nothing_of_the_present()
    {
        var health = HealthAssessment.Assess(Leader() with { Age = TimeSpan.FromSeconds(5) });

        Assert.Equal((HealthLevel.Critical, false), (health.Level, health.IsLeaderView));
        Assert.Equal((false, 0), (health.HasQuorum, health.FailureTolerance));
        Assert.Equal("Critical, seen from n1: n1 has not run for 5.0 s: what it knows is old; ask another member.", health.Summary);
    }

    [Fact]
    public void The_summary_counts_what_it_does_not_name()
    {
        var leader = Leader(
            Follower(2) with { IsDisconnected = true, Diverges = true }, Follower(3) with { Storage = StorageHealth.LowSpace });

        var health = HealthAssessment.Assess(leader with { QuorumIsShortOfSpace = true });

        Assert.Equal(4, health.Problems.Count);
        Assert.Contains(
            "n2 is not connected, and silent for 20 ms; and 1 more; 2 of 3 voters are healthy", health.Summary, StringComparison.Ordinal);
    }

    /// <summary>A healthy leader, n1, of three members, some of which are given.</summary>
    private static HealthObservation Leader(params MemberObservation[] members) =>
        Observation(new NodeId(1), Role.Leader, new NodeId(1), Self(1), Follower(2), Follower(3), members);

    /// <summary>n2, which follows n1 or knows no leader.</summary>
    private static HealthObservation NotLeading(ulong leader, params MemberObservation[] members) =>
        Observation(new NodeId(2), Role.Follower, new NodeId(leader), Other(1), Self(2), Other(3), members);

    private static HealthObservation Observation(
        NodeId self, Role role, NodeId leader, MemberObservation first, MemberObservation second, MemberObservation third,
        MemberObservation[] given) => new()
        {
            Self = self,
            Configuration = new Configuration([new(1), new(2), new(3)]),
            Role = role,
            Term = new Term(7),
            Leader = leader,
            ElectionTimeout = ElectionTimeout,
            HeartbeatInterval = ElectionTimeout / 10,
            SinceLeaderChange = TimeSpan.FromMinutes(1),
            Members = [.. new[] { first, second, third }.Select(member => Array.Find(given, g => g.Node == member.Node) ?? member)],
        };

    private static MemberObservation Self(ulong id) =>
        new() { Node = new NodeId(id), Name = $"n{id}", Storage = StorageHealth.Healthy };

    private static MemberObservation Other(ulong id) =>
        new() { Node = new NodeId(id), Name = $"n{id}", SinceLastContact = TimeSpan.FromMilliseconds(20) };

    private static MemberObservation Follower(ulong id) =>
        Other(id) with { State = ReplicationState.Replicate, Storage = StorageHealth.Healthy, LagEntries = 0, Lag = TimeSpan.Zero };
}
