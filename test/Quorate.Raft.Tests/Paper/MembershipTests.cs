namespace Quorate.Raft.Tests.Paper;

/// <summary>Changes of the configuration, thesis §4.</summary>
public sealed class MembershipTests
{
    private static readonly NodeId One = Given.Node(1), Two = Given.Node(2), Three = Given.Node(3), Four = Given.Node(4);

    [Fact]
    public void A_change_of_voters_is_joint_and_in_force_as_soon_as_it_is_appended()
    {
        var leader = Given.Leader(settled: true);
        Assert.Empty(leader.ProposeChange(1, null, MemberChange.Remove(Three)).Rejections);

        var joint = leader.Core!.Configuration;
        Assert.Equal("(1 2)&(1 2 3)", joint.ToString());
        Assert.Equal((2UL, 0UL), (leader.Core.ConfigurationIndex.Value, leader.Core.CommittedConfiguration.Index.Value));
    }

    /// <summary>Majorities of (1 4 5) and (1 2 3): 1 and 2 are one of the old half, 1 and 4 one of the new; both are needed.</summary>
    [Fact]
    public void A_joint_configuration_decides_with_a_majority_of_both_halves()
    {
        var leader = Given.Leader(id: 1, settled: true, members: Given.Configuration("1 2 3", learners: "4 5"));
        leader.ProposeChange(
            1, null, MemberChange.Promote(Four), MemberChange.Promote(Given.Node(5)), MemberChange.Remove(Two), MemberChange.Remove(Three));
        Assert.Equal("(1 4 5)&(1 2 3)", leader.Core!.Configuration.ToString());
        leader.EndIteration();
        leader.Flush();

        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 2));
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 2));
        Assert.Equal(1UL, leader.Core.CommitIndex.Value);
        leader.Receive(Given.Accepted(from: 4, to: 1, term: 2, index: 2));
        Assert.Equal(2UL, leader.Core.CommitIndex.Value);
    }

    [Fact]
    public void A_leader_completes_a_change_when_the_joint_configuration_is_committed()
    {
        var leader = Given.Leader(settled: true);
        leader.ProposeChange(1, null, MemberChange.Remove(Three));
        leader.EndIteration();
        Assert.True(leader.Core!.Configuration.IsJoint);

        Commit(leader, 2);
        leader.EndIteration();
        Assert.Equal("(1 2)", leader.Core.Configuration.ToString());
        Assert.Equal(3UL, leader.Core.ConfigurationIndex.Value);
    }

    /// <summary>A learner changes no quorum, so no joint configuration is needed.</summary>
    [Fact]
    public void Adding_a_learner_takes_one_entry()
    {
        var leader = Given.Leader(settled: true);
        leader.ProposeChange(1, null, MemberChange.AddLearner(Four, "host4:1", "name=four"));

        var configuration = leader.Core!.Configuration;
        Assert.Equal("(1 2 3) learners(4)", configuration.ToString());
        Assert.Equal(("host4:1", "name=four", false), (configuration.Find(Four)!.Address, configuration.Find(Four)!.Data,
            configuration.IsCounted(Four)));
        leader.EndIteration();
        Assert.Contains(leader.Take<AppendEntries>(), static append => append.To == Four);
    }

    [Fact]
    public void A_follower_uses_a_configuration_when_it_appends_it_and_the_earlier_one_when_it_is_truncated()
    {
        var follower = Given.Follower(id: 2, term: 2, log: [1], leader: 1);
        var change = Given.Append(from: 1, to: 2, term: 2, previous: (1, 1), entries: [2]);
        change.Entries = new[] { Entry(2, 2, Given.Configuration("1 2 4", outgoing: "1 2 3")) };
        Assert.True(follower.Receive(change).MembersChanged);
        Assert.Equal("(1 2 4)&(1 2 3)", follower.Core!.Configuration.ToString());
        Assert.Equal([1UL, 3, 4], follower.Core.Peers.Select(static peer => peer.Id.Value));

        follower.Receive(Given.Append(from: 3, to: 2, term: 3, previous: (1, 1), entries: [3]));
        Assert.Equal("(1 2 3)", follower.Core.Configuration.ToString());
        Assert.Equal([1UL, 3], follower.Core.Peers.Select(static peer => peer.Id.Value));
    }

    [Fact]
    public void The_next_leader_completes_a_change_that_the_last_one_has_begun()
    {
        var leader = Given.Leader(id: 2, term: 3, members: Given.Configuration("1 2", outgoing: "1 2 3"));
        leader.EndIteration();
        leader.Flush();
        Assert.True(leader.Core!.Configuration.IsJoint);

        Commit(leader, 1);
        leader.EndIteration();
        Assert.Equal("(1 2)", leader.Core.Configuration.ToString());
    }

    [Fact]
    public void A_second_change_is_refused_until_the_first_is_complete()
    {
        var leader = Given.Leader(settled: true);
        leader.ProposeChange(1, null, MemberChange.AddLearner(Four));
        Assert.Equal(RejectReason.ChangeInProgress, RejectionOf(leader.ProposeChange(2, null, MemberChange.Remove(Four))));
        leader.EndIteration();
        Commit(leader, 2);
        Assert.Empty(leader.ProposeChange(3, null, MemberChange.Remove(Four)).Rejections);
    }

    /// <summary>It does not know yet whether the last configuration of its log is committed.</summary>
    [Fact]
    public void A_new_leader_refuses_changes_until_an_entry_of_its_term_is_committed()
    {
        var leader = Given.Leader();
        Assert.Equal(RejectReason.ChangeInProgress, RejectionOf(leader.ProposeChange(1, null, MemberChange.Remove(Three))));
        leader.EndIteration();
        leader.Flush();
        Commit(leader, 1);
        Assert.Empty(leader.ProposeChange(2, null, MemberChange.Remove(Three)).Rejections);
    }

    [Fact]
    public void A_change_of_another_configuration_than_the_expected_one_is_refused()
    {
        var leader = Given.Leader(settled: true);
        Assert.Equal(RejectReason.ConfigurationChanged, RejectionOf(leader.ProposeChange(1, Given.At(7), MemberChange.Remove(Three))));
        Assert.Empty(leader.ProposeChange(2, LogIndex.Zero, MemberChange.Remove(Three)).Rejections);
    }

    [Fact]
    public void An_impossible_change_is_refused_with_its_reason()
    {
        var leader = Given.Leader(settled: true, members: Given.Configuration("1 2 3", learners: "5"));
        var sequence = 1UL;
        RejectReason Refuse(params ReadOnlySpan<MemberChange> changes) => RejectionOf(leader.ProposeChange(sequence++, null, changes));

        Assert.Equal(RejectReason.MemberExists, Refuse(MemberChange.AddVoter(Two)));
        Assert.Equal(RejectReason.MemberExists, Refuse(MemberChange.AddLearner(Given.Node(5))));
        Assert.Equal(RejectReason.MemberNotFound, Refuse(MemberChange.Remove(Four)));
        Assert.Equal(RejectReason.MemberNotFound, Refuse(MemberChange.Update(Four, "a", "")));
        Assert.Equal(RejectReason.NotALearner, Refuse(MemberChange.Promote(Two)));
        Assert.Equal(RejectReason.NotAVoter, Refuse(MemberChange.Demote(Given.Node(5))));
        Assert.Equal(RejectReason.InvalidChange, Refuse(MemberChange.Remove(Two), MemberChange.Update(Two, "a", "")));
        Assert.Equal(RejectReason.NoVoterLeft, Refuse(MemberChange.Remove(One), MemberChange.Remove(Two), MemberChange.Remove(Three)));
        Assert.Equal(
            RejectReason.AddressInUse, Refuse(MemberChange.AddLearner(Four, "same:1"), MemberChange.AddLearner(Given.Node(6), "same:1")));
        Assert.Equal(1UL, leader.Core!.LastIndex.Value);
    }

    [Fact]
    public void A_change_is_refused_while_a_member_does_not_know_changes()
    {
        var leader = Given.Leader(settled: true);
        leader.Step(Input.MembershipSupport(false));
        Assert.Equal(RejectReason.NotSupported, RejectionOf(leader.ProposeChange(1, null, MemberChange.Remove(Three))));

        var follower = Given.Follower(id: 2, term: 2, leader: 1);
        follower.Step(Input.MembershipSupport(false));
        Assert.Equal(RejectReason.NotSupported, RejectionOf(follower.ProposeChange(1, null, MemberChange.Remove(Three))));
    }

    /// <summary>3 is down: without 2, only the leader would be left of two voters.</summary>
    [Fact]
    public void A_change_that_would_lose_the_quorum_is_refused()
    {
        var leader = Given.Leader(settled: true);
        for (var tick = 0; tick <= Given.ElectionTicks; tick++)
        {
            leader.Tick();
            leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1));
        }

        Assert.Equal(RejectReason.QuorumWouldBeLost, RejectionOf(leader.ProposeChange(1, null, MemberChange.Remove(Two))));
        Assert.Empty(leader.ProposeChange(2, null, MemberChange.Remove(Three), MemberChange.AddVoter(Four)).Rejections);
    }

    /// <summary>A cluster of one would need the new member to decide anything, and could not bind it to its data directory.</summary>
    [Fact]
    public void A_second_voter_must_be_a_learner_first()
    {
        var leader = Given.Leader(id: 1, settled: true, size: 1);
        Assert.Equal(RejectReason.QuorumWouldBeLost, RejectionOf(leader.ProposeChange(1, null, MemberChange.AddVoter(Two))));
        Assert.Empty(leader.ProposeChange(2, null, MemberChange.AddLearner(Two)).Rejections);
    }

    [Fact]
    public void A_leader_binds_each_member_to_the_data_directory_it_was_contacted_with()
    {
        var leader = Given.Leader(settled: true);
        leader.Step(Input.PeerDirectory(One, new DirectoryId(0x11)));
        leader.Step(Input.PeerDirectory(Three, new DirectoryId(0x33)));
        leader.EndIteration();

        var configuration = leader.Core!.Configuration;
        Assert.Equal(
            [new DirectoryId(0x11), DirectoryId.None, new DirectoryId(0x33)],
            configuration.Details.Select(static member => member.Directory));
        Assert.Equal([false, true, false], configuration.Details.Select(static member => member.IsInitial));

        // A bound member stays bound to this directory.
        leader.Step(Input.PeerDirectory(Three, new DirectoryId(0x44)));
        leader.EndIteration();
        Assert.Equal(configuration.Find(Three), leader.Core.Configuration.Find(Three));
    }

    [Fact]
    public void The_acknowledgement_of_a_voter_counts_only_when_it_is_bound()
    {
        var leader = Given.Leader(settled: true);
        leader.ProposeChange(1, null, MemberChange.AddVoter(Four), MemberChange.Remove(Three));
        leader.EndIteration();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 2));
        leader.Receive(Given.Accepted(from: 4, to: 1, term: 2, index: 2));
        Assert.Equal(1UL, leader.Core!.CommitIndex.Value);

        leader.Step(Input.PeerDirectory(Four, new DirectoryId(0x44)));
        leader.EndIteration();
        leader.Flush();
        Assert.True(leader.Core.Configuration.IsCounted(Four));
        leader.Receive(Given.Accepted(from: 4, to: 1, term: 2, index: 3));
        Assert.Equal(2UL, leader.Core.CommitIndex.Value);
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 3));
        Assert.Equal(3UL, leader.Core.CommitIndex.Value);
    }

    [Fact]
    public void The_vote_of_a_member_that_is_not_bound_does_not_count()
    {
        var unbound = new Member { Id = Three };
        var members = new Configuration([One, Two, Three], details: [Member.Initial(One), Member.Initial(Two), unbound]);
        var candidate = Given.Candidate(id: 1, term: 2, members: members);
        candidate.Receive(Given.VoteReply(from: 3, to: 1, term: 2));
        Assert.Equal(Role.Candidate, candidate.Core!.Role);
        candidate.Receive(Given.VoteReply(from: 2, to: 1, term: 2));
        Assert.Equal(Role.Leader, candidate.Core.Role);
    }

    [Fact]
    public void A_member_that_is_not_bound_does_not_campaign()
    {
        var members = new Configuration([One, Two, Three], details: [new Member { Id = One }]);
        var node = Given.Follower(id: 1, members: members);
        node.Tick(5 * Given.ElectionTicks);
        Assert.Equal(Role.Follower, node.Core!.Role);
    }

    /// <summary>Example: 2 has removed itself, and 1, which needs its vote, lacks the entry that does it.</summary>
    [Fact]
    public void A_voter_of_the_committed_configuration_campaigns_although_a_later_one_removes_it()
    {
        var node = Given.Follower(id: 2, term: 2, log: [1], leader: 1, members: Given.Configuration("1", outgoing: "1 2"));
        var append = Given.Append(from: 1, to: 2, term: 2, previous: (1, 1), entries: [2], commit: 1);
        append.Entries = new[] { Entry(2, 2, Given.Configuration("1")) };
        node.Receive(append);
        node.Flush();
        node.Tick(3 * Given.ElectionTicks);
        Assert.Equal(Role.PreCandidate, node.Core!.Role);
        node.Receive(Given.PreVoteReply(from: 1, to: 2, term: 3));
        node.Flush();
        Assert.Equal(Role.Candidate, node.Core.Role);
        node.Receive(Given.VoteReply(from: 1, to: 2, term: 3));
        Assert.Equal(Role.Leader, node.Core.Role);
    }

    [Fact]
    public void A_learner_is_promoted_by_hand_when_it_has_caught_up()
    {
        var leader = Given.Leader(term: 2, settled: true, log: [.. Enumerable.Repeat(1UL, 40)]);
        leader.ProposeChange(1, null, MemberChange.AddLearner(Four));
        leader.Step(Input.PeerDirectory(Four, new DirectoryId(0x44)));
        leader.EndIteration();
        Commit(leader, 43);
        leader.Receive(Given.Rejected(from: 4, to: 1, term: 2, index: 42, hint: (0, 0)));
        Assert.Equal(RejectReason.LearnerNotReady, RejectionOf(leader.ProposeChange(2, null, MemberChange.Promote(Four))));

        leader.Receive(Given.Accepted(from: 4, to: 1, term: 2, index: 20));
        Assert.Equal(RejectReason.LearnerNotReady, RejectionOf(leader.ProposeChange(3, null, MemberChange.Promote(Four))));
        leader.Receive(Given.Accepted(from: 4, to: 1, term: 2, index: 42));
        Assert.Empty(leader.ProposeChange(4, null, MemberChange.Promote(Four)).Rejections);
    }

    [Fact]
    public void A_learner_that_was_added_for_it_is_promoted_after_an_election_timeout()
    {
        var leader = Given.Leader(settled: true);
        leader.ProposeChange(1, null, MemberChange.AddLearner(Four, promoteWhenReady: true));
        leader.Step(Input.PeerDirectory(Four, new DirectoryId(0x44)));
        leader.EndIteration();
        Commit(leader, 3, and: 4);

        for (var tick = 0; tick < Given.ElectionTicks; tick++)
        {
            leader.EndIteration();
            Assert.False(leader.Core!.Configuration.IsVoter(Four));
            leader.Tick();
            Commit(leader, 3, and: 4);
        }

        leader.EndIteration();
        Assert.Equal("(1 2 3 4)&(1 2 3)", leader.Core!.Configuration.ToString());
    }

    [Fact]
    public void A_removed_leader_transfers_its_leadership_once_the_new_configuration_is_committed()
    {
        var leader = Given.Leader(settled: true);
        leader.ProposeChange(1, null, MemberChange.Remove(One));
        leader.EndIteration();
        Commit(leader, 2);
        leader.EndIteration();
        Assert.Equal("(2 3)", leader.Core!.Configuration.ToString());
        Assert.Equal(NodeId.None, leader.Core.TransferTarget);

        // The leader itself does not count any more: both of the others are needed.
        leader.EndIteration();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 3));
        Assert.Equal(2UL, leader.Core.CommitIndex.Value);
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 3));
        leader.EndIteration();
        Assert.NotEqual(NodeId.None, leader.Core.TransferTarget);
        Assert.NotEmpty(leader.Take<TimeoutNow>());
        Assert.True(leader.Core.IsRemoved);

        for (var tick = 0; tick <= Given.ElectionTicks + 1; tick++)
        {
            leader.Tick();
            Commit(leader, 3);
            leader.EndIteration();
        }

        Assert.Equal(Role.Follower, leader.Core.Role);
    }

    /// <summary>Connected to it, this node would deny its votes for ever, and never answer that it was removed.</summary>
    [Fact]
    public void A_leader_that_steps_down_forgets_a_removed_follower_at_once()
    {
        var leader = LeaderThatHasRemovedThree();
        leader.EndIteration();
        Assert.Contains(leader.Core!.Peers, static peer => peer.Id.Value == 3);

        var effects = leader.Receive(new AppendEntries { From = Two, To = One, Term = new Term(9) });
        Assert.Equal(Role.Follower, leader.Core.Role);
        Assert.True(effects.MembersChanged);
        Assert.DoesNotContain(leader.Core.Peers, static peer => peer.Id.Value == 3);
    }

    /// <summary>The removed follower would otherwise not learn of its removal.</summary>
    [Fact]
    public void A_removed_follower_is_sent_the_log_for_an_election_timeout_more()
    {
        var leader = LeaderThatHasRemovedThree();
        leader.Outbox.Clear();
        leader.EndIteration();
        Assert.Contains(leader.Take<AppendEntries>(), static append => append.To.Value == 3 && append.LeaderCommit.Value == 3);
        Assert.Contains(leader.Core!.Peers, static peer => peer.Id.Value == 3);

        for (var tick = 0; tick <= Given.ElectionTicks; tick++)
        {
            leader.Tick();
            leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 3));
            leader.EndIteration();
        }

        Assert.DoesNotContain(leader.Core.Peers, static peer => peer.Id.Value == 3);
        leader.Outbox.Clear();
        leader.Tick(2);
        leader.EndIteration();
        Assert.DoesNotContain(leader.Take<AppendEntries>(), static append => append.To.Value == 3);
    }

    [Fact]
    public void A_member_is_removed_when_a_committed_configuration_no_longer_contains_it()
    {
        var follower = Given.Follower(id: 3, term: 2, log: [1], leader: 1);
        var append = Given.Append(from: 1, to: 3, term: 2, previous: (1, 1), entries: [2]);
        append.Entries = new[] { Entry(2, 2, Given.Configuration("1 2")) };
        follower.Receive(append);
        Assert.False(follower.Core!.IsRemoved);
        follower.Receive(Given.Heartbeat(from: 1, to: 3, term: 2, previous: (2, 2), commit: 2));
        Assert.True(follower.Core.IsRemoved);
    }

    /// <summary>The configurations before the one that added it do not contain it either.</summary>
    [Fact]
    public void A_joining_member_is_not_taken_for_a_removed_one()
    {
        var joining = Given.Follower(id: 4, term: 0, members: Configuration.None);
        joining.Tick(5 * Given.ElectionTicks);
        Assert.Equal(Role.Follower, joining.Core!.Role);

        var append = Given.Append(from: 1, to: 4, term: 2, previous: (0, 0), entries: [2], commit: 1);
        append.Entries = new[] { Entry(2, 1, Given.Configuration("1 2 3")) };
        joining.Receive(append);
        Assert.Equal(1UL, joining.Core.CommitIndex.Value);
        Assert.False(joining.Core.IsRemoved);

        append = Given.Append(from: 1, to: 4, term: 2, previous: (2, 1), entries: [2], commit: 2);
        append.Entries = new[] { Entry(2, 2, Given.Configuration("1 2 3", learners: "4")) };
        joining.Receive(append);
        Assert.False(joining.Core.IsRemoved);
        Assert.Equal("(1 2 3) learners(4)", joining.Core.Configuration.ToString());
    }

    [Fact]
    public void A_received_snapshot_replaces_all_configurations()
    {
        var follower = Given.Follower(id: 2, term: 2, log: [1], leader: 1);
        var append = Given.Append(from: 1, to: 2, term: 2, previous: (1, 1), entries: [2]);
        append.Entries = new[] { Entry(2, 2, Given.Configuration("1 2 9", outgoing: "1 2 3")) };
        follower.Receive(append);
        follower.Flush();

        var at = new ConfigurationAt(Given.At(7), Given.Configuration("1 2 4"));
        Assert.True(follower.Step(Input.SnapshotReceived(Given.Id((2, 10)), at)).MembersChanged);
        Assert.Equal("(1 2 4)", follower.Core!.Configuration.ToString());
        Assert.Equal((7UL, 7UL), (follower.Core.ConfigurationIndex.Value, follower.Core.CommittedConfiguration.Index.Value));
    }

    /// <summary>The leader of (1 2 3) when it has committed (1 2), entry 3.</summary>
    private static TestNode LeaderThatHasRemovedThree()
    {
        var leader = Given.Leader(settled: true);
        leader.ProposeChange(1, null, MemberChange.Remove(Three));
        leader.EndIteration();
        Commit(leader, 2);
        leader.EndIteration();
        Commit(leader, 3);
        return leader;
    }

    private static LogEntry Entry(ulong term, ulong index, Configuration configuration) =>
        new(Given.Id((term, index)), EntryKind.Configuration, ProposalId.None, ConfigurationCodec.Encode(configuration));

    private static RejectReason RejectionOf(Effects effects) => Assert.Single(effects.Rejections).Reason;

    /// <summary>Flushes the leader's disk, and lets followers acknowledge everything up to an index.</summary>
    private static void Commit(TestNode leader, ulong index, ulong and = 0)
    {
        leader.Flush();
        foreach (var peer in leader.Core!.Peers.ToArray())
        {
            if (peer.Id.Value is 1 or 2 or 3 || peer.Id.Value == and)
                leader.Receive(Given.Accepted(peer.Id.Value, leader.Id.Value, leader.Core.Term.Value, index));
        }
    }
}
