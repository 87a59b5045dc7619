namespace Quorate.Raft.Tests.Paper;

/// <summary>Thesis §6.4.1: leases, by which a leader knows without a round that no other one has been elected.</summary>
public sealed class LeaseTests
{
    private const uint LeaseMilliseconds = 50;

    /// <summary>The ticks of the lease, those that may be delivered late, and one that may have begun before.</summary>
    private const int LeaseTicks = 5 + RaftCore.LateTicksMax + 1;

    [Fact]
    public void A_leader_without_the_option_requests_no_lease()
    {
        var leader = Given.Leader(term: 2, settled: true);
        leader.Tick(Given.ElectionTicks / 10);
        leader.EndIteration(clock: 100);

        Assert.All(leader.Take<AppendEntries>(), static append => Assert.Equal((0u, 0UL), (append.LeaseMilliseconds, append.LeaseStamp)));
        Assert.Equal(0UL, leader.Core!.LeaseStart);
    }

    [Fact]
    public void A_leader_without_a_clock_requests_no_lease()
    {
        var leader = Given.Leader(term: 2, settled: true, options: WithLease());
        leader.Tick(Given.ElectionTicks / 10);
        leader.EndIteration();

        Assert.All(leader.Take<AppendEntries>(), static append => Assert.Equal(0u, append.LeaseMilliseconds));
    }

    [Fact]
    public void A_lease_starts_when_the_request_was_sent_that_a_quorum_has_granted()
    {
        var leader = Given.Leader(term: 2, size: 5, settled: true, options: WithLease());
        RequestLeases(leader, clock: 100);
        RequestLeases(leader, clock: 120);

        Assert.Equal(0UL, leader.Core!.LeaseStart);
        Grant(leader, from: 2, stamp: 100);
        Assert.Equal(0UL, leader.Core.LeaseStart);
        Grant(leader, from: 3, stamp: 120);
        Assert.Equal(100UL, leader.Core.LeaseStart);
        Grant(leader, from: 4, stamp: 120);
        Assert.Equal(120UL, leader.Core.LeaseStart);
        Grant(leader, from: 4, stamp: 100);
        Assert.Equal(120UL, leader.Core.LeaseStart);
    }

    /// <summary>Members of an older build, and those with a shorter election timeout, grant nothing.</summary>
    [Fact]
    public void A_reply_without_a_grant_gives_no_lease()
    {
        var leader = Given.Leader(term: 2, settled: true, options: WithLease());
        RequestLeases(leader, clock: 100);
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1));
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 1));

        Assert.Equal(0UL, leader.Core!.LeaseStart);
    }

    /// <summary>The leader does not know before which entries its predecessors have committed.</summary>
    [Fact]
    public void A_leader_has_no_lease_before_an_entry_of_its_term_is_committed()
    {
        var leader = Given.Leader(term: 4, log: [1, 3], options: WithLease());
        leader.EndIteration(clock: 100);
        leader.Flush();
        leader.Receive(Granted(from: 2, term: 4, index: 2, stamp: 100));
        Assert.Equal(0UL, leader.Core!.LeaseStart);

        leader.Receive(Granted(from: 2, term: 4, index: 3, stamp: 100));
        Assert.Equal(100UL, leader.Core.LeaseStart);
    }

    [Fact]
    public void A_leader_that_steps_down_has_no_lease()
    {
        var leader = LeaderWithLease();
        leader.Receive(Given.Rejected(from: 3, to: 1, term: 3, index: 1, hint: (0, 0)));

        Assert.Equal(0UL, leader.Core!.LeaseStart);
    }

    [Fact]
    public void A_quarantined_leader_has_no_lease()
    {
        var leader = LeaderWithLease();
        leader.Step(Input.Quarantined);

        Assert.Equal(0UL, leader.Core!.LeaseStart);
    }

    /// <summary>
    /// <code>
    ///   (1 2 3)&amp;(1 4 5)   1 has the grants of 2 and 3: the new half could elect 4 with the votes of 4 and 5.
    /// </code>
    /// </summary>
    [Fact]
    public void A_joint_configuration_needs_the_grants_of_both_halves()
    {
        var leader = Given.Leader(
            term: 2, settled: true, members: Given.Configuration("1 4 5", outgoing: "1 2 3"), options: WithLease());
        RequestLeases(leader, clock: 100);
        Grant(leader, from: 2, stamp: 100, index: leader.Core!.LastIndex.Value);
        Grant(leader, from: 3, stamp: 100, index: leader.Core.LastIndex.Value);
        Assert.Equal(0UL, leader.Core.LeaseStart);

        Grant(leader, from: 4, stamp: 100, index: leader.Core.LastIndex.Value);
        Assert.Equal(100UL, leader.Core.LeaseStart);
    }

    /// <summary>The disk of such a member may be replaced, and then it votes.</summary>
    [Fact]
    public void The_grant_of_a_member_without_a_bound_directory_does_not_count()
    {
        var members = new Configuration(
            [Given.Node(1), Given.Node(2), Given.Node(3)], [], [],
            [
                new Member { Id = Given.Node(1), Directory = new DirectoryId(11) },
                new Member { Id = Given.Node(2), Directory = new DirectoryId(12) },
                new Member { Id = Given.Node(3) },
            ]);
        var leader = Given.Leader(term: 2, settled: true, members: members, options: WithLease());
        RequestLeases(leader, clock: 100);
        Grant(leader, from: 3, stamp: 100);
        Assert.Equal(0UL, leader.Core!.LeaseStart);

        Grant(leader, from: 2, stamp: 100);
        Assert.Equal(100UL, leader.Core.LeaseStart);
    }

    [Fact]
    public void A_grant_is_sent_when_the_length_of_the_lease_is_on_the_disk()
    {
        var follower = Given.Follower(id: 2, term: 1, leader: 1);
        follower.Receive(Request(stamp: 100));
        Assert.Empty(follower.Take<AppendEntriesReply>());

        follower.Flush();
        Assert.Equal(100UL, Assert.Single(follower.Take<AppendEntriesReply>()).LeaseStamp);
        Assert.Equal(LeaseMilliseconds, follower.Disk.HardState.LeaseMilliseconds);

        // The next one is as long: nothing has to be written.
        follower.Receive(Request(stamp: 110));
        Assert.Equal(110UL, Assert.Single(follower.Take<AppendEntriesReply>()).LeaseStamp);
    }

    [Fact]
    public void A_lease_that_would_exceed_the_election_timeout_is_not_granted()
    {
        var follower = Given.Follower(id: 2, term: 1, leader: 1);
        follower.Receive(Request(stamp: 100, milliseconds: 500));
        follower.Flush();

        Assert.Equal(0UL, Assert.Single(follower.Take<AppendEntriesReply>()).LeaseStamp);
    }

    [Fact]
    public void A_request_of_an_earlier_term_is_not_granted()
    {
        var follower = Given.Follower(id: 2, term: 2, leader: 3);
        follower.Receive(Request(stamp: 100));

        Assert.Equal(0UL, Assert.Single(follower.Take<AppendEntriesReply>()).LeaseStamp);
    }

    /// <summary>Stickiness ends with the connection of the leader; the lease does not.</summary>
    [Fact]
    public void A_member_that_has_granted_a_lease_elects_no_other_leader_until_it_ends()
    {
        var follower = FollowerWithLease();
        follower.Step(Input.PeerLost(Given.Node(1)));
        follower.Tick(LeaseTicks - 1);
        Assert.False(IsPreVoteGranted(follower));
        follower.Receive(Given.Vote(from: 3, to: 2, term: 2));
        Assert.Empty(follower.Take<RequestVoteReply>());
        Assert.Equal(1UL, follower.Core!.Term.Value);
        Assert.Equal(Role.Follower, follower.Core.Role);

        follower.Tick();
        Assert.True(IsPreVoteGranted(follower));
    }

    /// <summary>The term became known by another message than that of the candidate.</summary>
    [Fact]
    public void A_vote_in_a_term_that_is_known_is_denied_during_a_lease()
    {
        var follower = FollowerWithLease();
        follower.Receive(Given.ReadRequest(from: 3, to: 2, term: 2, readId: 1));
        follower.Flush();
        Assert.Equal(2UL, follower.Core!.Term.Value);
        follower.Outbox.Clear();
        follower.Receive(Given.Vote(from: 3, to: 2, term: 2));

        Assert.False(Assert.Single(follower.Take<RequestVoteReply>()).Granted);
    }

    [Fact]
    public void A_member_that_has_granted_a_lease_does_not_campaign_until_it_ends()
    {
        var follower = FollowerWithLease();
        follower.Step(Input.PeerLost(Given.Node(1)));
        follower.Tick(LeaseTicks);
        Assert.Equal(Role.Follower, follower.Core!.Role);

        follower.Tick(3);
        Assert.Equal(Role.PreCandidate, follower.Core.Role);
    }

    /// <summary>The process does not know when it granted its last lease: perhaps just before it ended.</summary>
    [Fact]
    public void A_restarted_member_elects_no_leader_for_the_longest_lease_it_may_have_granted()
    {
        var follower = FollowerWithLease();
        follower.Crash();
        follower.Start();
        follower.Tick(LeaseTicks - 1);
        Assert.False(IsPreVoteGranted(follower));
        Assert.Equal(Role.Follower, follower.Core!.Role);

        follower.Tick();
        Assert.True(IsPreVoteGranted(follower));
    }

    [Fact]
    public void A_loss_of_entries_keeps_the_length_of_the_lease()
    {
        var state = new HardState(new Term(3), Given.Node(1)) { LeaseMilliseconds = LeaseMilliseconds };

        Assert.Equal(LeaseMilliseconds, state.AfterLoss().LeaseMilliseconds);
    }

    /// <summary>Then its hard state has the format of a build without leases again.</summary>
    [Fact]
    public void A_follower_forgets_its_leases_when_its_leader_requests_none()
    {
        var follower = FollowerWithLease();
        follower.Receive(Given.Heartbeat(from: 1, to: 2, term: 1));
        follower.Flush();
        Assert.Equal(LeaseMilliseconds, follower.Disk.HardState.LeaseMilliseconds);

        follower.Tick(LeaseTicks);
        follower.Receive(Given.Heartbeat(from: 1, to: 2, term: 1));
        follower.Flush();
        Assert.Equal(0u, follower.Disk.HardState.LeaseMilliseconds);
    }

    [Fact]
    public void A_leader_that_requests_no_leases_forgets_those_that_it_had_granted()
    {
        var leader = Given.Follower(id: 1, term: 1, leader: 2, size: 1);
        leader.Crash();
        leader.Disk.HardState = leader.Disk.HardState with { LeaseMilliseconds = LeaseMilliseconds };
        leader.Start();
        leader.Tick(LeaseTicks + 1);
        leader.Flush();
        Assert.Equal(Role.Leader, leader.Core!.Role);
        leader.Tick();
        leader.Flush();

        Assert.Equal(0u, leader.Disk.HardState.LeaseMilliseconds);
    }

    [Fact]
    public void A_leader_gives_its_lease_up_before_it_transfers_leadership()
    {
        var leader = LeaderWithLease();
        leader.Step(Input.TransferLeadership(Given.Node(3)));

        Assert.Empty(leader.Take<TimeoutNow>());
        Assert.Equal(0UL, leader.Core!.LeaseStart);
    }

    /// <summary>The leader has given it up, and the target is to be elected at once.</summary>
    [Fact]
    public void A_vote_for_the_target_of_a_transfer_is_granted_during_a_lease()
    {
        var follower = FollowerWithLease();
        var vote = Given.Vote(from: 3, to: 2, term: 2);
        vote.IsTransfer = true;
        follower.Receive(vote);
        follower.Flush();

        Assert.True(Assert.Single(follower.Take<RequestVoteReply>()).Granted);
    }

    [Fact]
    public void The_target_of_a_transfer_campaigns_during_a_lease()
    {
        var target = FollowerWithLease();
        target.Receive(new TimeoutNow { From = Given.Node(1), To = Given.Node(2), Term = new Term(1), LastIndex = LogIndex.Zero });

        Assert.Equal(Role.Candidate, target.Core!.Role);
    }

    /// <summary>
    /// TimeoutNow may arrive long after the transfer has failed. A target without an entry that is committed cannot be elected.
    /// </summary>
    [Fact]
    public void After_a_failed_transfer_a_leader_has_a_lease_when_it_has_committed_another_entry()
    {
        var leader = LeaderWithLease();
        leader.Step(Input.TransferLeadership(Given.Node(3)));
        leader.EndIteration(clock: 110);
        Assert.Single(leader.Take<TimeoutNow>());
        leader.Step(Input.PeerLost(Given.Node(3)));
        Assert.Equal(NodeId.None, leader.Core!.TransferTarget);
        RequestLeases(leader, clock: 120);
        Grant(leader, from: 2, stamp: 120);
        Assert.Equal(0UL, leader.Core.LeaseStart);

        leader.Propose(1);
        leader.EndIteration(clock: 130);
        leader.Flush();
        Grant(leader, from: 2, stamp: 130, index: 2);
        Assert.Equal(130UL, leader.Core.LeaseStart);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0.5)]
    [InlineData(50.5)]
    [InlineData(91)]
    public void A_lease_out_of_its_range_is_refused(double milliseconds)
    {
        var options = Given.Options() with { LeaseDuration = TimeSpan.FromMilliseconds(milliseconds) };

        var refused = Assert.Throws<ArgumentException>(options.Validate);
        Assert.Contains(nameof(RaftOptions.LeaseDuration), refused.Message, StringComparison.Ordinal);
    }

    private static RaftOptions WithLease() => Given.Options() with { LeaseDuration = TimeSpan.FromMilliseconds(LeaseMilliseconds) };

    /// <summary>A leader of three members with a lease from clock 100 on, by the grant of member 2.</summary>
    private static TestNode LeaderWithLease()
    {
        var leader = Given.Leader(term: 2, settled: true, options: WithLease());
        RequestLeases(leader, clock: 100);
        Grant(leader, from: 2, stamp: 100);
        Assert.Equal(100UL, leader.Core!.LeaseStart);
        return leader;
    }

    /// <summary>Member 2, which has just granted a lease to member 1; the grant is sent.</summary>
    private static TestNode FollowerWithLease()
    {
        var follower = Given.Follower(id: 2, term: 1, leader: 1);
        follower.Receive(Request(stamp: 100));
        follower.Flush();
        follower.Outbox.Clear();
        return follower;
    }

    private static void RequestLeases(TestNode leader, ulong clock)
    {
        leader.Tick(Given.ElectionTicks / 10);
        leader.EndIteration(clock);
        Assert.All(
            leader.Take<AppendEntries>(),
            append => Assert.Equal((LeaseMilliseconds, clock), (append.LeaseMilliseconds, append.LeaseStamp)));
    }

    private static void Grant(TestNode leader, ulong from, ulong stamp, ulong index = 1) =>
        leader.Receive(Granted(from, leader.Core!.Term.Value, index, stamp));

    private static AppendEntriesReply Granted(ulong from, ulong term, ulong index, ulong stamp)
    {
        var reply = Given.Accepted(from, to: 1, term, index);
        reply.LeaseStamp = stamp;
        return reply;
    }

    private static AppendEntries Request(ulong stamp, uint milliseconds = LeaseMilliseconds)
    {
        var request = Given.Heartbeat(from: 1, to: 2, term: 1);
        (request.LeaseStamp, request.LeaseMilliseconds) = (stamp, milliseconds);
        return request;
    }

    private static bool IsPreVoteGranted(TestNode node)
    {
        node.Outbox.Clear();
        node.Receive(Given.PreVote(from: 3, to: 2, term: node.Core!.Term.Value + 1));
        return node.Take<RequestVoteReply>() is [{ Granted: true }];
    }
}
