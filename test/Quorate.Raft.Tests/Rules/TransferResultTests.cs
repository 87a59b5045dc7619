namespace Quorate.Raft.Tests.Rules;

/// <summary>A requested leadership transfer has one result: completed when this node follows the target, or the reason why not.</summary>
public sealed class TransferResultTests
{
    private const ulong Ticket = 7;

    [Fact]
    public void A_transfer_is_completed_when_this_node_follows_the_target_and_not_before()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        Request(leader, target: 3);
        VoteFor(leader, candidate: 3);
        Assert.Equal((Role.Follower, NodeId.None), (leader.Core!.Role, leader.Core.Leader));
        Assert.Empty(leader.TransferResults);

        leader.Receive(Given.Heartbeat(from: 3, to: 1, term: 3));

        Assert.Equal(new TransferResult(Ticket, Given.Node(3), null), Assert.Single(leader.TransferResults));
    }

    [Fact]
    public void A_transfer_has_failed_when_another_member_is_elected()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        Request(leader, target: 3);
        VoteFor(leader, candidate: 3);

        leader.Receive(Given.Heartbeat(from: 2, to: 1, term: 4));

        Assert.Equal(
            new TransferResult(Ticket, Given.Node(2), TransferFailure.AnotherLeader), Assert.Single(leader.TransferResults));
    }

    [Fact]
    public void A_transfer_whose_target_is_not_elected_expires_an_election_timeout_after_its_deadline()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        Request(leader, target: 3);
        VoteFor(leader, candidate: 3);
        leader.Step(Input.StorageHealth(StorageHealth.Full));

        leader.Tick((2 * Given.ElectionTicks) - 1);
        Assert.Empty(leader.TransferResults);
        leader.Tick();

        Assert.Equal(new TransferResult(Ticket, NodeId.None, TransferFailure.Expired), Assert.Single(leader.TransferResults));
    }

    [Fact]
    public void A_follower_refuses()
    {
        var follower = Given.Follower(id: 2, term: 2, log: [1, 2], leader: 1);
        Request(follower, target: 3);
        Assert.Equal(new TransferResult(Ticket, Given.Node(1), TransferFailure.NotLeader), Assert.Single(follower.TransferResults));
    }

    [Theory]
    [InlineData(4, TransferFailure.NotVoter)]
    [InlineData(9, TransferFailure.UnknownMember)]
    public void A_learner_or_a_stranger_is_refused_as_target(ulong target, TransferFailure expected)
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true, members: Given.Configuration("1 2 3", learners: "4"));
        Request(leader, target);
        Assert.Equal(expected, Assert.Single(leader.TransferResults).Failure);
        Assert.Equal(NodeId.None, leader.Core!.TransferTarget);
    }

    [Fact]
    public void A_transfer_to_the_leader_itself_is_completed_at_once()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        Request(leader, target: 1);
        Assert.Equal(new TransferResult(Ticket, Given.Node(1), null), Assert.Single(leader.TransferResults));
        Assert.Equal((Role.Leader, NodeId.None), (leader.Core!.Role, leader.Core.TransferTarget));
    }

    [Fact]
    public void A_second_transfer_is_refused_while_one_is_in_progress()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        Request(leader, target: 3);
        leader.Step(Input.TransferLeadership(Given.Node(2), ticket: 8));
        Assert.Equal(
            new TransferResult(8, Given.Node(1), TransferFailure.InProgress), Assert.Single(leader.TransferResults));
        Assert.Equal(Given.Node(3), leader.Core!.TransferTarget);
    }

    [Fact]
    public void A_transfer_is_refused_or_ended_while_a_member_does_not_know_transfers()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        Request(leader, target: 3);
        leader.Step(Input.TransferSupport(false));
        Assert.Equal(TransferFailure.NotSupported, Assert.Single(leader.TransferResults).Failure);

        leader.Step(Input.TransferLeadership(Given.Node(3), ticket: 8));
        Assert.Equal(TransferFailure.NotSupported, leader.TransferResults[^1].Failure);
    }

    [Fact]
    public void A_target_that_has_not_replied_for_an_election_timeout_is_refused()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        TickWithReplies(leader, from: 2, Given.ElectionTicks + 1);
        Request(leader, target: 3);
        Assert.Equal(TransferFailure.TargetUnreachable, Assert.Single(leader.TransferResults).Failure);
    }

    [Fact]
    public void A_target_whose_connection_is_closed_ends_the_transfer_at_once()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        Request(leader, target: 3);
        leader.Step(Input.PeerLost(Given.Node(2)));
        Assert.Empty(leader.TransferResults);
        leader.Step(Input.PeerLost(Given.Node(3)));
        Assert.Equal(TransferFailure.TargetUnreachable, Assert.Single(leader.TransferResults).Failure);
        Assert.Empty(leader.Propose(1).Rejections);
    }

    /// <summary>The lag of the target, and not the election, is what an operator must look into.</summary>
    [Fact]
    public void A_target_that_replies_and_does_not_receive_the_whole_log_before_the_deadline_lags()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Propose(1);
        Request(leader, target: 3);
        for (var tick = 0; tick < Given.ElectionTicks; tick++)
        {
            leader.Tick();
            leader.EndIteration();
            leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 1));
        }

        Assert.Equal(TransferFailure.TargetLags, Assert.Single(leader.TransferResults).Failure);
        Assert.Empty(leader.Take<TimeoutNow>());
        Assert.Equal(Role.Leader, leader.Core!.Role);
    }

    [Theory]
    [InlineData(0, Given.ElectionTicks)]
    [InlineData(5, 5)]
    public void A_target_that_does_not_campaign_ends_the_transfer_at_the_requested_deadline(int ticks, int expected)
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Step(Input.TransferLeadership(Given.Node(3), Ticket, ticks));
        TickWithReplies(leader, from: 3, expected - 1);
        Assert.Empty(leader.TransferResults);
        TickWithReplies(leader, from: 3, 1);
        Assert.Equal(TransferFailure.Expired, Assert.Single(leader.TransferResults).Failure);
        Assert.Empty(leader.Propose(1).Rejections);
    }

    [Fact]
    public void Without_a_target_the_voter_that_holds_most_of_the_log_is_chosen()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Propose(1);
        leader.EndIteration();
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 2));
        Request(leader, target: 0);
        Assert.Equal(Given.Node(3), leader.Core!.TransferTarget);
    }

    [Fact]
    public void Without_a_target_the_one_whose_transfer_has_just_failed_is_the_last_choice()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        Request(leader, target: 0);
        Assert.Equal(Given.Node(2), leader.Core!.TransferTarget);
        TickWithReplies(leader, from: 2, Given.ElectionTicks);
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 1));

        Request(leader, target: 0);

        Assert.Equal(Given.Node(3), leader.Core.TransferTarget);
    }

    [Fact]
    public void Without_a_target_a_leader_that_no_voter_replies_to_refuses()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Step(Input.PeerLost(Given.Node(2)));
        leader.Step(Input.PeerLost(Given.Node(3)));
        Request(leader, target: 0);
        Assert.Equal(TransferFailure.NoCandidate, Assert.Single(leader.TransferResults).Failure);

        var alone = Given.Leader(id: 1, term: 2, size: 1, settled: true);
        Request(alone, target: 0);
        Assert.Equal(TransferFailure.NoCandidate, Assert.Single(alone.TransferResults).Failure);
    }

    private static void Request(TestNode node, ulong target)
    {
        node.Step(Input.TransferLeadership(Given.Node(target), Ticket));
        node.EndIteration();
    }

    private static void VoteFor(TestNode leader, ulong candidate)
    {
        var request = Given.Vote(from: candidate, to: 1, term: 3, last: (2, 1));
        request.IsTransfer = true;
        leader.Receive(request);
        leader.Flush();
        leader.EndIteration();
    }

    private static void TickWithReplies(TestNode leader, ulong from, int ticks)
    {
        for (; ticks > 0; ticks--)
        {
            leader.Tick();
            leader.EndIteration();
            leader.Receive(Given.Accepted(from, to: 1, term: 2, index: 1));
        }
    }
}
