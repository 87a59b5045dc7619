namespace Quorate.Raft.Tests.Paper;

/// <summary>Paper §5.4: when an entry is committed.</summary>
public sealed class SafetyTests
{
    /// <summary>
    /// Paper §5.3: an entry is committed "once the leader … has replicated it on a majority of the servers"; here: on their disks, the
    /// leader's own disk counted like any other. Every size from 1 to 7.
    /// </summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(4, 2)]
    [InlineData(5, 2)]
    [InlineData(6, 3)]
    [InlineData(7, 3)]
    public void An_entry_is_committed_when_durable_on_a_majority(int size, int othersNeeded)
    {
        var leader = Given.Leader(id: 1, term: 2, size: size);
        leader.EndIteration();
        for (var other = 2; other < othersNeeded + 2; other++)
            leader.Receive(Given.Accepted(from: (ulong)other, to: 1, term: 2, index: 1));

        Assert.Equal(0UL, leader.Core!.CommitIndex.Value);
        leader.Flush();
        Assert.Equal(1UL, leader.Core.CommitIndex.Value);
    }

    /// <summary>A leader whose disk is slow does not delay a quorum of the others.</summary>
    [Fact]
    public void Followers_may_commit_an_entry_before_the_leader_has_flushed_it()
    {
        var leader = Given.Leader(id: 1, term: 2);
        leader.EndIteration();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1));
        Assert.Equal(0UL, leader.Core!.CommitIndex.Value);

        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 1));
        Assert.Equal((1UL, 0UL), (leader.Core.CommitIndex.Value, leader.Core.DurableIndex.Value));
    }

    /// <summary>Paper §5.4.2, Fig. 8: "Raft never commits log entries from previous terms by counting replicas."</summary>
    [Fact]
    public void An_earlier_terms_entry_is_committed_only_below_one_of_this_term()
    {
        var leader = Given.Leader(id: 1, term: 4, log: [1, 2], size: 5);
        leader.EndIteration();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 4, index: 2));
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 4, index: 2));
        Assert.Equal(0UL, leader.Core!.CommitIndex.Value);

        leader.Receive(Given.Accepted(from: 2, to: 1, term: 4, index: 3));
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 4, index: 3));
        Assert.Equal(3UL, leader.Core.CommitIndex.Value);
    }

    /// <summary>Thesis §4.3, joint consensus: agreement "requires separate majorities from both the old and new configurations".</summary>
    [Fact]
    public void A_joint_configuration_needs_a_majority_of_each_half()
    {
        var members = Given.Configuration("1 2 3", outgoing: "3 4 5");
        var leader = Given.Leader(id: 1, term: 2, members: members);
        leader.EndIteration();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1));
        leader.Receive(Given.Accepted(from: 4, to: 1, term: 2, index: 1));
        Assert.Equal(0UL, leader.Core!.CommitIndex.Value);

        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 1));
        Assert.Equal(1UL, leader.Core.CommitIndex.Value);

        var candidate = Given.Candidate(id: 1, term: 2, members: members);
        candidate.Receive(Given.VoteReply(from: 2, to: 1, term: 2));
        candidate.Receive(Given.VoteReply(from: 4, to: 1, term: 2));
        Assert.Equal(Role.Candidate, candidate.Core!.Role);
        candidate.Receive(Given.VoteReply(from: 5, to: 1, term: 2));
        Assert.Equal(Role.Leader, candidate.Core.Role);
    }

    /// <summary>Thesis §4.2.1: a learner receives the log and decides nothing.</summary>
    [Fact]
    public void A_learner_neither_counts_for_quorum_nor_campaigns()
    {
        var members = Given.Configuration("1 2 3", learners: "4");
        var leader = Given.Leader(id: 1, term: 2, members: members);
        leader.EndIteration();
        leader.Flush();
        Assert.Contains(leader.Take<AppendEntries>(), m => m.To == Given.Node(4));
        leader.Receive(Given.Accepted(from: 4, to: 1, term: 2, index: 1));
        Assert.Equal(0UL, leader.Core!.CommitIndex.Value);

        var learner = Given.Follower(id: 4, members: members);
        learner.Tick(10 * Given.ElectionTicks);
        Assert.Equal(Role.Follower, learner.Core!.Role);
    }

    /// <summary>The candidate's configuration decides who may vote, not the voter's own, which may be old (etcd #10998).</summary>
    [Fact]
    public void A_learner_grants_a_requested_vote()
    {
        var learner = Given.Follower(id: 4, members: Given.Configuration("1 2 3", learners: "4"));
        learner.Receive(Given.Vote(from: 1, to: 4, term: 2));
        learner.Flush();

        Assert.True(learner.Take<RequestVoteReply>().Single().Granted);
    }

    /// <summary>Paper §5.3: committed entries go to the state machine once, in order.</summary>
    [Fact]
    public void Committed_entries_are_emitted_once_and_in_order()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Propose(1, 2);
        leader.EndIteration();
        leader.Flush();
        var effects = leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 3));
        Assert.Equal([2, 3], effects.Apply.ToArray().Select(e => e.Index.Value));

        effects = leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 3));
        Assert.True(effects.Apply.IsEmpty);
    }
}
