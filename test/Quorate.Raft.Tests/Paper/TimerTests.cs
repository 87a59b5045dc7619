namespace Quorate.Raft.Tests.Paper;

/// <summary>
/// One test for each rule about timers: what restarts the election timer and what does not (paper Fig. 2 "Rules for Servers, Followers"),
/// and which clock a slow disk is measured by. An election would succeed in the end without any of these rules; it would take longer, or
/// depose a leader that works.
/// </summary>
public sealed class TimerTests
{
    private const ulong Term = 5;

    /// <summary>A follower that knows no leader and has not voted in its term.</summary>
    private static TestNode FollowerWithoutLeader() => Given.Follower(id: 2, term: Term, log: [1, 1]);

    private static TestNode FollowerWithLeader() => Given.Follower(id: 2, term: Term, log: [1, 1], leader: 1);

    /// <summary>Lets time pass until the election timer expires at the next tick.</summary>
    private static TestNode BeforeTimeout(Func<TestNode> create)
    {
        // The same node always draws the same timeout.
        var (node, ticks) = (create(), 0);
        for (; node.Core!.Role == Role.Follower; ticks++)
            node.Tick();
        var before = create();
        before.Tick(ticks - 1);
        Assert.Equal(Role.Follower, before.Core!.Role);
        before.Outbox.Clear();
        return before;
    }

    private static void AssertRestarted(TestNode node)
    {
        node.Flush();
        node.Tick(Given.ElectionTicks - 1);
        Assert.Equal(Role.Follower, node.Core!.Role);
    }

    private static void AssertNotRestarted(TestNode node)
    {
        node.Flush();
        node.Tick();
        Assert.Equal(Role.PreCandidate, node.Core!.Role);
    }

    /// <summary>Paper Fig. 2: "election timeout elapses without … granting vote to candidate".</summary>
    [Fact]
    public void Granting_a_vote_restarts_the_election_timer()
    {
        var node = BeforeTimeout(FollowerWithoutLeader);
        node.Receive(Given.Vote(from: 3, to: 2, Term, last: (1, 2)));
        node.Flush();
        Assert.True(Assert.Single(node.Take<RequestVoteReply>()).Granted);
        AssertRestarted(node);
    }

    [Fact]
    public void Rejecting_a_vote_does_not_restart_the_election_timer()
    {
        var node = BeforeTimeout(FollowerWithoutLeader);
        node.Receive(Given.Vote(from: 3, to: 2, Term, last: (1, 1)));
        Assert.False(Assert.Single(node.Take<RequestVoteReply>()).Granted);
        AssertNotRestarted(node);
    }

    /// <summary>
    /// Thesis §9.6: a pre-vote changes nothing. Otherwise members that request pre-votes in turn keep each other from campaigning.
    /// </summary>
    [Fact]
    public void Granting_a_pre_vote_does_not_restart_the_election_timer()
    {
        var node = BeforeTimeout(FollowerWithoutLeader);
        node.Receive(Given.PreVote(from: 3, to: 2, Term + 1, last: (1, 2)));
        Assert.True(Assert.Single(node.Take<RequestVoteReply>()).Granted);
        AssertNotRestarted(node);
    }

    /// <summary>Thesis §4.2.3: a member with a leader ignores candidates, their effect on its timer included.</summary>
    [Fact]
    public void An_ignored_vote_request_does_not_restart_the_election_timer()
    {
        var (node, other) = (FollowerWithLeader(), FollowerWithLeader());
        node.Tick(Given.ElectionTicks - 1);
        other.Tick(Given.ElectionTicks - 1);
        node.Receive(Given.Vote(from: 3, to: 2, Term + 1, last: (1, 2)));
        Assert.Empty(node.Take<RequestVoteReply>());
        while (other.Core!.Role == Role.Follower)
        {
            Assert.Equal(Role.Follower, node.Core!.Role);
            other.Tick();
            node.Tick();
        }

        Assert.Equal(Role.PreCandidate, node.Core!.Role);
    }

    /// <summary>
    /// Paper Fig. 2: "without receiving AppendEntries RPC from current leader", whether the log allows to accept it or not.
    /// </summary>
    [Theory]
    [InlineData(1, 2, true)]
    [InlineData(5, 9, false)]
    public void Any_append_of_the_leader_restarts_the_election_timer(ulong previousTerm, ulong previousIndex, bool accepted)
    {
        var node = BeforeTimeout(FollowerWithLeader);
        node.Receive(Given.Heartbeat(from: 1, to: 2, Term, previous: (previousTerm, previousIndex)));
        Assert.Equal(accepted, Assert.Single(node.Take<AppendEntriesReply>()).Accepted);
        AssertRestarted(node);
    }

    /// <summary>A follower that rejects the leader's entries has a leader, and grants no pre-vote (thesis §9.6).</summary>
    [Fact]
    public void A_rejected_append_counts_as_contact_with_the_leader()
    {
        var node = FollowerWithLeader();
        node.Tick(Given.ElectionTicks - 1);
        node.Receive(Given.Heartbeat(from: 1, to: 2, Term, previous: (5, 9)));
        node.Tick();
        node.Outbox.Clear();
        node.Receive(Given.PreVote(from: 3, to: 2, Term + 1, last: (1, 2)));
        Assert.False(Assert.Single(node.Take<RequestVoteReply>()).Granted);
    }

    [Fact]
    public void An_append_of_a_past_leader_does_not_restart_the_election_timer()
    {
        var node = BeforeTimeout(FollowerWithLeader);
        node.Receive(Given.Heartbeat(from: 3, to: 2, Term - 1, previous: (1, 2)));
        AssertNotRestarted(node);
    }

    /// <summary>
    /// A disk is as slow as its oldest pending append. Another leader's entries replace those of that append; the append is still pending,
    /// and a member whose disk has stalled must not campaign.
    /// </summary>
    [Fact]
    public void A_truncation_does_not_restart_the_clock_of_a_stalled_disk()
    {
        var node = FollowerWithLeader();
        node.Receive(Given.Append(from: 1, to: 2, Term, previous: (1, 2), entries: [Term]));
        for (var i = 0; i <= Given.ElectionTicks; i++)
        {
            node.Tick();
            node.Receive(Given.Heartbeat(from: 1, to: 2, Term, previous: (1, 2)));
        }

        node.Receive(Given.Append(from: 3, to: 2, Term + 1, previous: (1, 2), entries: [Term + 1]));
        Assert.Equal(new Term(Term + 1), node.Core!.LastTerm);
        node.Step(Input.PeerLost(Given.Node(3)));
        node.Tick(Given.ElectionTicks / 2);
        Assert.Equal(Role.Follower, node.Core.Role);
    }

    /// <summary>The disk completes one append after the other, each in time: it is slow, but not stalled.</summary>
    [Fact]
    public void The_clock_of_a_stalled_disk_measures_the_oldest_pending_append()
    {
        var node = FollowerWithLeader();
        for (var i = 0UL; i < 6; i++)
        {
            node.Receive(Given.Append(from: 1, to: 2, Term, previous: (i == 0 ? 1UL : Term, 2 + i), entries: [Term]));
            node.Tick(Given.ElectionTicks / 2);
            node.Flush(count: i == 0 ? 0 : 1);
        }

        node.Step(Input.PeerLost(Given.Node(1)));
        node.Tick(Given.ElectionTicks / 4);
        Assert.Equal(Role.PreCandidate, node.Core!.Role);
    }

    /// <summary>A new leader sends entries at once, so its first heartbeat is due an interval later, whatever its last term left.</summary>
    [Fact]
    public void The_heartbeat_interval_of_a_leader_begins_with_its_term()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Tick();
        leader.Receive(Given.Heartbeat(from: 3, to: 1, term: 3));
        leader.Flush();
        leader.Step(Input.PeerLost(Given.Node(3)));
        while (leader.Core!.Role == Role.Follower)
            leader.Tick();
        leader.Receive(Given.PreVoteReply(from: 2, to: 1, term: 4));
        leader.Flush();
        leader.Receive(Given.VoteReply(from: 2, to: 1, term: 4));
        Assert.Equal(Role.Leader, leader.Core.Role);
        leader.EndIteration();
        Assert.Equal(2, leader.Take<AppendEntries>().Count);

        leader.Tick();
        leader.EndIteration();
        Assert.Empty(leader.Take<AppendEntries>());
        leader.Tick();
        leader.EndIteration();
        Assert.Equal(2, leader.Take<AppendEntries>().Count);
    }
}
