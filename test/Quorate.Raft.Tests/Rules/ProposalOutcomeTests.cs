namespace Quorate.Raft.Tests.Rules;

/// <summary>Every proposal has exactly one outcome: committed, rejected or indeterminate. See docs/protocol/proposals.md.</summary>
public sealed class ProposalOutcomeTests
{
    [Fact]
    public void A_proposal_without_a_known_leader_is_rejected_at_once()
    {
        var node = Given.Follower(id: 2);

        Assert.Equal(RejectReason.NoLeader, Assert.Single(node.Propose(1).Rejections).Reason);
    }

    [Theory]
    [InlineData(0, 3, null)]
    [InlineData(1, 3, null)]
    [InlineData(2, 3, RejectReason.NoLeader)]
    [InlineData(0, 2, RejectReason.TermMismatch)]
    [InlineData(1, 4, RejectReason.TermMismatch)]
    [InlineData(2, 2, RejectReason.TermMismatch)]
    public void A_proposal_with_an_expected_term_is_rejected_in_another(int role, ulong expected, RejectReason? reason)
    {
        var node = role switch
        {
            0 => Given.Leader(id: 1, term: 3),
            1 => Given.Follower(id: 2, term: 3, leader: 1),
            _ => Given.Follower(id: 2, term: 3),
        };
        var proposal = new Proposal(new ProposalId(node.Id, 7), new byte[1]) { ExpectedTerm = new Term(expected) };
        var effects = node.Step(Input.Propose(new[] { proposal }));

        Assert.Equal(reason, effects.Rejections.Count == 0 ? null : Assert.Single(effects.Rejections).Reason);
    }

    [Fact]
    public void A_follower_forwards_proposals_with_the_term_of_its_leader()
    {
        var node = Given.Follower(id: 2, term: 3, leader: 1);
        node.Propose(7, 8);
        node.EndIteration();

        var forward = node.Take<ForwardProposals>().Single();
        Assert.Equal((1UL, 3UL), (forward.To.Value, forward.Term.Value));
        Assert.Equal([7, 8], forward.Proposals.ToArray().Select(p => p.Id.Sequence));
    }

    /// <summary>The message may be lost. The leader accepts a proposal that arrives twice only once.</summary>
    [Fact]
    public void A_forwarded_proposal_is_resent_until_its_outcome_is_known()
    {
        var node = Given.Follower(id: 2, term: 3, log: [3], leader: 1);
        node.Propose(7, 8);
        node.EndIteration();
        Assert.Equal([7, 8], TakeForwardedSequences(node));

        node.EndIteration();
        Assert.Empty(TakeForwardedSequences(node));
        PassHeartbeatIntervals(node, 2);
        Assert.Equal([7, 8], TakeForwardedSequences(node));

        node.Receive(new RejectProposals
        {
            From = Given.Node(1), To = Given.Node(2), Term = new Term(3), FirstSequence = 8, LastSequence = 8, Reason = RejectReason.Busy
        });
        PassHeartbeatIntervals(node, 2);
        Assert.Equal([7], TakeForwardedSequences(node));

        var entry = new LogEntry(Given.Id((3, 2)), EntryKind.Command, new ProposalId(Given.Node(2), 7), new byte[3]);
        node.Receive(new AppendEntries
        {
            From = Given.Node(1), To = Given.Node(2), Term = new Term(3), Previous = Given.Id((3, 1)),
            Entries = new[] { entry }, LeaderCommit = Given.At(2)
        });
        PassHeartbeatIntervals(node, 4);
        Assert.Empty(TakeForwardedSequences(node));
    }

    /// <summary>No leader of a later term may accept the proposal, and the first committed entry of a later term supersedes it.</summary>
    [Fact]
    public void A_proposal_forwarded_in_an_earlier_term_is_not_resent()
    {
        var node = Given.Follower(id: 2, term: 3, log: [3], leader: 1);
        node.Propose(7);
        node.EndIteration();
        TakeForwardedSequences(node);
        node.Receive(Given.Heartbeat(from: 3, to: 2, term: 4));
        node.Flush();
        PassHeartbeatIntervals(node, 4);

        Assert.Empty(TakeForwardedSequences(node));
    }

    /// <summary>Messages that wait for the disk are in an unbounded list; so none is created before the term is durable.</summary>
    [Fact]
    public void Forwarded_requests_wait_until_the_term_is_durable()
    {
        var node = Given.Follower(id: 2, term: 3, log: [3], leader: 1);
        node.Receive(Given.Heartbeat(from: 1, to: 2, term: 4));
        var held = node.Deferred;
        for (ulong sequence = 1; sequence <= 100; sequence++)
        {
            node.Propose(sequence);
            node.Read(ticket: sequence);
            node.EndIteration();
        }

        node.Tick(3 * Given.ElectionTicks / 10);
        node.EndIteration();
        Assert.Equal(held, node.Deferred);

        node.Flush();
        node.EndIteration();
        Assert.Equal(Enumerable.Range(1, 100).Select(static n => (ulong)n), TakeForwardedSequences(node));
    }

    [Fact]
    public void Withdrawn_proposals_free_the_bounded_forwarding_capacity()
    {
        var node = Given.Follower(
            id: 2, term: 3, log: [3], leader: 1, options: Given.Options(2) with { MaxUncommittedBytes = 200, MaxCommandBytes = 200 });
        Assert.Equal([4, 5], node.Propose(1, 2, 3, 4, 5).Rejections.Select(static r => r.Proposal.Sequence));
        Assert.Equal(RejectReason.Busy, Assert.Single(node.Propose(6).Rejections).Reason);

        node.Step(Input.Withdraw(2));
        Assert.Empty(node.Propose(7).Rejections);
        node.EndIteration();
        Assert.Equal([1, 3, 7], TakeForwardedSequences(node));
    }

    /// <summary>
    /// Otherwise a sequence could be too old for the leader to know whether it has accepted it, and the proposal would stay pending for the
    /// whole term.
    /// </summary>
    [Fact]
    public void Pending_sequences_stay_within_the_leaders_replay_window()
    {
        var node = Given.Follower(id: 2, term: 3, log: [3], leader: 1);
        node.Propose(1, 2);
        Assert.Empty(node.Propose(ReplayWindow.Size).Rejections);
        Assert.Equal(RejectReason.Busy, Assert.Single(node.Propose(ReplayWindow.Size + 1).Rejections).Reason);

        node.Step(Input.Withdraw(1));
        Assert.Empty(node.Propose(ReplayWindow.Size + 1).Rejections);
        Assert.Equal(RejectReason.Busy, Assert.Single(node.Propose(ReplayWindow.Size + 2).Rejections).Reason);
    }

    /// <summary>When a quorum is slow, resent proposals must not add to its load.</summary>
    [Fact]
    public void Resent_proposals_are_limited_to_one_message_per_heartbeat()
    {
        var node = Given.Follower(id: 2, term: 3, log: [3], leader: 1, options: Given.Options(2) with { MaxMessageBytes = 1024 });
        for (ulong sequence = 1; sequence <= 10; sequence++)
            node.Step(Input.Propose(new[] { Given.Proposal(2, sequence, bytes: 500) }));
        node.EndIteration();
        Assert.Equal(10, TakeForwardedSequences(node).Count);

        var resent = new List<ulong>();
        for (var i = 0; i < 7; i++)
        {
            PassHeartbeatIntervals(node, 1);
            var sent = TakeForwardedSequences(node);
            Assert.InRange(sent.Count, 0, 2);
            resent.AddRange(sent);
        }

        Assert.Equal(Enumerable.Range(1, 10).Select(static n => (ulong)n), resent.Distinct());
    }

    /// <summary>Otherwise it could enter the log after it was rejected as superseded.</summary>
    [Fact]
    public void A_proposal_forwarded_in_another_term_is_not_appended()
    {
        var leader = Given.Leader(id: 1, term: 4, settled: true);
        leader.Receive(Given.Forward(from: 2, to: 1, term: 3, 7));

        Assert.Equal(1UL, leader.Core!.LastIndex.Value);
    }

    [Fact]
    public void A_duplicate_forwarded_proposal_is_appended_once()
    {
        var leader = Given.Leader(id: 1, term: 4, settled: true);
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 7, 8));
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 7, 8));

        Assert.Equal(3UL, leader.Core!.LastIndex.Value);
        Assert.Empty(leader.Outbox);
    }

    /// <summary>
    /// Clients draw sequence numbers concurrently, and messages are reordered: a lower sequence that arrives later may still be new.
    /// </summary>
    [Fact]
    public void Forwarded_proposals_are_appended_in_any_sequence_order()
    {
        var leader = Given.Leader(id: 1, term: 4, settled: true);
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 9, 7));
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 8, 5000));
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 6, 9, 7));

        leader.Flush();
        Assert.Equal([9, 7, 8, 5000, 6], leader.Disk.Entries.Skip(1).Select(e => e.Proposal.Sequence));
    }

    /// <summary>A restarted proposer counts from another number, lower or higher; its proposals are new.</summary>
    [Theory]
    [InlineData(5UL, 1UL << 60)]
    [InlineData(1UL << 60, 5UL)]
    [InlineData(ulong.MaxValue, 1UL << 50)]
    public void A_restarted_proposers_sequences_are_not_taken_for_duplicates(ulong first, ulong second)
    {
        var leader = Given.Leader(id: 1, term: 4, settled: true);
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, first));
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, second));
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, first));

        Assert.Equal(3UL, leader.Core!.LastIndex.Value);
    }

    [Fact]
    public void A_forwarded_proposal_rejected_as_busy_stays_rejected()
    {
        var leader = Given.Leader(
            id: 1, term: 4, settled: true, options: Given.Options(1) with { MaxUncommittedBytes = 100, MaxCommandBytes = 100 });
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 7, 8, 9));
        var rejection = Assert.Single(leader.Take<RejectProposals>());
        Assert.Equal((8UL, 9UL, RejectReason.Busy), (rejection.FirstSequence, rejection.LastSequence, rejection.Reason));

        leader.EndIteration();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 4, index: 2));
        leader.Apply();
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 7, 8, 9));
        Assert.Equal(2UL, leader.Core!.LastIndex.Value);

        // The first rejection may have been lost, so it is sent again.
        rejection = Assert.Single(leader.Take<RejectProposals>());
        Assert.Equal((8UL, 9UL, RejectReason.Busy), (rejection.FirstSequence, rejection.LastSequence, rejection.Reason));
    }

    /// <summary>
    /// A node that led the term may have accepted the first copy of a proposal, so a rejection could be false, even after a restart.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_former_leader_rejects_no_proposal_of_its_term(bool restarts)
    {
        var node = Given.Leader(id: 1, term: 4, settled: true);
        node.Receive(Given.Forward(from: 2, to: 1, term: 4, 7));
        if (restarts)
        {
            node.Crash();
            node.Start();
        }
        else
        {
            node.Tick(2 * Given.ElectionTicks);
        }

        node.Outbox.Clear();
        Assert.Equal((false, 4UL), (node.Core!.Role == Role.Leader, node.Core.Term.Value));
        node.Receive(Given.Forward(from: 2, to: 1, term: 4, 7));
        Assert.Empty(node.Take<RejectProposals>());
    }

    [Fact]
    public void A_node_that_never_led_the_term_rejects_forwarded_proposals_at_once()
    {
        var node = Given.Follower(id: 1, term: 4, vote: 3);
        node.Receive(Given.Forward(from: 2, to: 1, term: 4, 7, 8));

        var rejection = node.Take<RejectProposals>().Single();
        Assert.Equal((7UL, 8UL, RejectReason.NotLeader), (rejection.FirstSequence, rejection.LastSequence, rejection.Reason));
    }

    /// <summary>
    /// A peer may send any numbers: the loop must end at the highest number there is, and a range far wider than the pending sequences is
    /// invalid.
    /// </summary>
    [Theory]
    [InlineData(ulong.MaxValue, ulong.MaxValue)]
    [InlineData(ulong.MaxValue - 1, ulong.MaxValue)]
    [InlineData(0UL, ulong.MaxValue)]
    public void A_rejection_of_unknown_sequences_is_ignored(ulong first, ulong last)
    {
        var node = Given.Follower(id: 2, term: 3, leader: 1);
        node.Propose(7);

        Assert.Empty(node.Receive(Given.ProposalRejection(from: 1, to: 2, term: 3, first, last)).Rejections);
        Assert.Equal(7UL, Assert.Single(node.Receive(Given.ProposalRejection(from: 1, to: 2, term: 3, 7, 7)).Rejections).Proposal.Sequence);
    }

    /// <summary>A rejection covers all proposals that were forwarded together, including those that have been withdrawn since.</summary>
    [Fact]
    public void A_rejection_is_processed_when_most_of_its_sequences_were_withdrawn()
    {
        var node = Given.Follower(id: 2, term: 3, leader: 1);
        node.Propose(7, 8, 9, 10, 11);
        foreach (var sequence in (ulong[])[7, 8, 9, 10])
            node.Step(Input.Withdraw(sequence));

        var rejections = node.Receive(Given.ProposalRejection(from: 1, to: 2, term: 3, 7, 11)).Rejections;
        Assert.Equal(11UL, Assert.Single(rejections).Proposal.Sequence);
    }

    /// <summary>Once an entry of a later term is committed, a proposal that is not in the log before it can never be committed.</summary>
    [Fact]
    public void A_proposal_is_superseded_by_a_committed_entry_of_a_later_term()
    {
        var node = Given.Follower(id: 2, term: 3, log: [3], leader: 1);
        node.Propose(7);
        Assert.Empty(node.Receive(Given.Append(from: 3, to: 2, term: 4, previous: (3, 1), entries: [4], commit: 1)).Rejections);

        var rejection = Assert.Single(node.Receive(Given.Heartbeat(from: 3, to: 2, term: 4, previous: (4, 2), commit: 2)).Rejections);
        Assert.Equal((7UL, RejectReason.Superseded), (rejection.Proposal.Sequence, rejection.Reason));
    }

    [Fact]
    public void A_deposed_leaders_surviving_proposal_is_not_rejected()
    {
        var node = Given.Leader(id: 1, term: 2, settled: true);
        node.Propose(7);
        var effects = node.Receive(Given.Append(from: 3, to: 1, term: 3, previous: (2, 2), entries: [3], commit: 3));

        Assert.Empty(effects.Rejections);
        Assert.Contains(effects.Apply.ToArray(), e => e.Proposal == new ProposalId(Given.Node(1), 7));
    }

    /// <summary>Uncommitted bytes are bounded: beyond the cap a proposal is rejected as Busy at once, never dropped silently.</summary>
    [Fact]
    public void Proposals_beyond_the_cap_are_busy_until_entries_commit()
    {
        var leader = Given.Leader(
            id: 1, term: 2, settled: true, options: Given.Options(1) with { MaxUncommittedBytes = 200, MaxCommandBytes = 200 });
        Assert.Equal([4, 5], leader.Propose(1, 2, 3, 4, 5).Rejections.Select(r => r.Proposal.Sequence));
        Assert.Equal(RejectReason.Busy, Assert.Single(leader.Propose(6).Rejections).Reason);

        leader.EndIteration();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 4));
        leader.Apply();
        Assert.Empty(leader.Propose(7).Rejections);
    }

    [Fact]
    public void A_command_above_the_size_limit_is_rejected_on_every_node()
    {
        var options = Given.Options(1) with { MaxCommandBytes = 2 };
        Assert.Equal(RejectReason.TooLarge, Assert.Single(Given.Leader(id: 1, options: options).Propose(1).Rejections).Reason);
        Assert.Equal(RejectReason.TooLarge, Assert.Single(Given.Follower(id: 1, leader: 2, options: options).Propose(1).Rejections).Reason);
    }

    private static List<ulong> TakeForwardedSequences(TestNode node) =>
        [.. node.Take<ForwardProposals>().SelectMany(static forward => forward.Proposals.ToArray().Select(static p => p.Id.Sequence))];

    /// <summary>Lets heartbeat intervals pass in which the node receives heartbeats without news.</summary>
    private static void PassHeartbeatIntervals(TestNode node, int count)
    {
        for (; count > 0; count--)
        {
            node.Tick(Given.ElectionTicks / 10);
            node.Receive(Given.Heartbeat(from: node.Core!.Leader.Value, to: node.Id.Value, node.Core.Term.Value));
            node.EndIteration();
        }
    }
}
