namespace Quorate.Raft.Tests.Paper;

/// <summary>Leadership transfer, thesis §3.10.</summary>
public sealed class LeadershipTransferTests
{
    [Fact]
    public void A_target_that_holds_the_whole_log_receives_TimeoutNow_at_once()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Step(Input.TransferLeadership(Given.Node(3)));
        leader.EndIteration();

        var message = Assert.Single(leader.Take<TimeoutNow>());
        Assert.Equal((3UL, 2UL, 1UL), (message.To.Value, message.Term.Value, message.LastIndex.Value));
        Assert.Equal(Given.Node(3), leader.Core!.TransferTarget);
    }

    /// <summary>A member of an older build would ignore TimeoutNow, and proposals would wait for nothing.</summary>
    [Fact]
    public void A_leader_transfers_nothing_while_a_member_does_not_know_transfers()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Step(Input.TransferSupport(false));
        leader.Step(Input.StorageHealth(StorageHealth.Full));
        leader.Tick();
        leader.EndIteration();
        Assert.Equal(NodeId.None, leader.Core!.TransferTarget);
        leader.Step(Input.TransferLeadership(Given.Node(3)));
        leader.EndIteration();
        Assert.Equal(NodeId.None, leader.Core.TransferTarget);
        Assert.Empty(leader.Take<TimeoutNow>());

        leader.Step(Input.TransferSupport(true));
        leader.Tick();
        Assert.NotEqual(NodeId.None, leader.Core.TransferTarget);
        leader.Step(Input.TransferSupport(false));
        Assert.Equal(NodeId.None, leader.Core.TransferTarget);
    }

    /// <summary>The driver proposes again when the entry does not appear.</summary>
    [Fact]
    public void A_version_of_the_cluster_is_appended_by_a_leader_that_is_not_transferring()
    {
        byte[] payload = [1, 2, 3];
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Step(Input.TransferLeadership(Given.Node(3)));
        leader.Step(Input.ProposeClusterVersion(payload));
        Assert.Equal(1UL, leader.Core!.LastIndex.Value);

        leader.Step(Input.TransferSupport(false));
        leader.Step(Input.ProposeClusterVersion(payload));
        leader.EndIteration();
        var entry = Assert.Single(leader.Take<AppendEntries>().First(static append => append.To.Value == 3).Entries.ToArray());
        Assert.Equal((EntryKind.ClusterVersion, ProposalId.None), (entry.Kind, entry.Proposal));
        Assert.Equal(payload, entry.Payload.ToArray());

        var follower = Given.Follower(id: 2, term: 2, log: [1, 2], leader: 1);
        follower.Step(Input.ProposeClusterVersion(payload));
        Assert.Equal(2UL, follower.Core!.LastIndex.Value);
    }

    [Fact]
    public void A_target_that_lacks_entries_receives_them_first()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Propose(1);
        leader.Step(Input.TransferLeadership(Given.Node(3)));
        leader.EndIteration();
        Assert.Empty(leader.Take<TimeoutNow>());
        Assert.Contains(leader.Take<AppendEntries>(), static append => append.To.Value == 3 && append.LastIndex.Value == 2);

        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 2));
        leader.EndIteration();
        Assert.Equal(2UL, Assert.Single(leader.Take<TimeoutNow>()).LastIndex.Value);
    }

    [Fact]
    public void TimeoutNow_is_sent_again_with_each_heartbeat_until_the_deadline()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Step(Input.TransferLeadership(Given.Node(3)));
        for (var tick = 0; tick < Given.ElectionTicks; tick++)
        {
            leader.EndIteration();
            leader.Tick();
            leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1));
        }

        leader.EndIteration();
        Assert.InRange(leader.Take<TimeoutNow>().Count, 9, 11);
        Assert.Equal(NodeId.None, leader.Core!.TransferTarget);
        leader.Tick(Given.ElectionTicks / 2);
        leader.EndIteration();
        Assert.Empty(leader.Take<TimeoutNow>());
    }

    [Fact]
    public void The_target_campaigns_in_the_next_term_without_a_pre_vote()
    {
        var target = Given.Follower(id: 2, term: 2, log: [1, 2], leader: 1);
        target.Receive(TimeoutNow(last: 2));
        Assert.Equal((Role.Candidate, 3UL), (target.Core!.Role, target.Core.Term.Value));

        target.Flush();
        var requests = target.Take<RequestVote>();
        Assert.Equal([1UL, 3UL], requests.Select(static request => request.To.Value));
        Assert.All(requests, static request => Assert.True(request is { IsTransfer: true, PreVote: false, Term.Value: 3 }));
    }

    /// <summary>A late message of an earlier transfer must not depose a leader that has led on.</summary>
    [Theory]
    [InlineData(1, 1, 2)]
    [InlineData(3, 2, 2)]
    [InlineData(1, 2, 1)]
    [InlineData(1, 2, 3)]
    public void TimeoutNow_of_another_term_leader_or_log_is_ignored(ulong from, ulong term, ulong last)
    {
        var target = Given.Follower(id: 2, term: 2, log: [1, 2], leader: 1);
        target.Receive(TimeoutNow(last, from, term));
        Assert.Equal((Role.Follower, 2UL, 1UL), (target.Core!.Role, target.Core.Term.Value, target.Core.Leader.Value));
    }

    [Theory]
    [InlineData(StorageHealth.Full)]
    [InlineData(StorageHealth.Stalled)]
    public void A_target_that_cannot_write_does_not_campaign(StorageHealth health)
    {
        var target = Given.Follower(id: 2, term: 2, log: [1, 2], leader: 1);
        target.Step(Input.StorageHealth(health));
        target.Receive(TimeoutNow(last: 2));
        Assert.Equal(Role.Follower, target.Core!.Role);
    }

    [Fact]
    public void A_learner_is_no_target_and_does_not_campaign()
    {
        var members = Given.Configuration("1 2 3", learners: "4");
        var leader = Given.Leader(id: 1, term: 2, settled: true, members: members);
        leader.Step(Input.TransferLeadership(Given.Node(4)));
        leader.Step(Input.TransferLeadership(Given.Node(1)));
        leader.Step(Input.TransferLeadership(Given.Node(9)));
        Assert.Equal(NodeId.None, leader.Core!.TransferTarget);

        var learner = Given.Follower(id: 4, term: 2, log: [1, 2], leader: 1, members: members);
        learner.Receive(TimeoutNow(last: 2, to: 4));
        Assert.Equal(Role.Follower, learner.Core!.Role);
    }

    /// <summary>The leader, and a follower that receives from it, vote for the target: leader stickiness does not apply (§4.2.3).</summary>
    [Fact]
    public void Voters_with_leader_contact_vote_for_the_target()
    {
        var request = Given.Vote(from: 2, to: 1, term: 3, last: (2, 1));
        request.IsTransfer = true;
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Step(Input.TransferLeadership(Given.Node(2)));
        leader.Receive(request);
        leader.Flush();
        Assert.True(Assert.Single(leader.Take<RequestVoteReply>()).Granted);
        Assert.Equal((Role.Follower, 3UL, NodeId.None), (leader.Core!.Role, leader.Core.Term.Value, leader.Core.TransferTarget));

        request.To = Given.Node(3);
        var follower = Given.Follower(id: 3, term: 2, log: [2], leader: 1);
        follower.Receive(request);
        follower.Flush();
        Assert.True(Assert.Single(follower.Take<RequestVoteReply>()).Granted);
    }

    [Fact]
    public void No_proposal_is_appended_during_a_transfer_and_every_one_after_it()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Step(Input.TransferLeadership(Given.Node(3)));

        Assert.Equal(RejectReason.Busy, Assert.Single(leader.Propose(1).Rejections).Reason);
        leader.Receive(Given.Forward(from: 2, to: 1, term: 2, 7));
        Assert.Empty(leader.Take<RejectProposals>());
        Assert.Equal(1UL, leader.Core!.LastIndex.Value);

        for (var tick = 0; tick < Given.ElectionTicks; tick++)
        {
            leader.Tick();
            leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1));
        }

        leader.Propose(2);
        leader.Receive(Given.Forward(from: 2, to: 1, term: 2, 7));
        Assert.Equal(3UL, leader.Core.LastIndex.Value);
    }

    private static TimeoutNow TimeoutNow(ulong last, ulong from = 1, ulong term = 2, ulong to = 2) =>
        new() { From = Given.Node(from), To = Given.Node(to), Term = new Term(term), LastIndex = Given.At(last) };
}
