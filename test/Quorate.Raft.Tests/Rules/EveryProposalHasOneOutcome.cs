namespace Quorate.Raft.Tests.Rules;

/// <summary>Committed, rejected, or indeterminate, and exactly one of them. See docs/protocol/proposals.md.</summary>
public sealed class EveryProposalHasOneOutcome
{
    [Fact]
    public void A_proposal_is_rejected_at_once_where_no_leader_is_known()
    {
        var node = Given.Follower(id: 2);

        Assert.Equal(RejectReason.NoLeader, Assert.Single(node.Propose(1).Rejections).Reason);
    }

    [Fact]
    public void A_follower_passes_proposals_on_with_the_term_of_the_leader_it_means()
    {
        var node = Given.Follower(id: 2, term: 3, leader: 1);
        node.Propose(7, 8);

        var forward = node.Take<ForwardProposals>().Single();
        Assert.Equal((1UL, 3UL), (forward.To.Value, forward.Term.Value));
        Assert.Equal([7, 8], forward.Proposals.ToArray().Select(p => p.Id.Sequence));
    }

    /// <summary>Else it could enter the log after its proposer was told that it is dead.</summary>
    [Fact]
    public void A_forwarded_proposal_is_not_taken_in_another_term()
    {
        var leader = Given.Leader(id: 1, term: 4, settled: true);
        leader.Receive(Given.Forward(from: 2, to: 1, term: 3, 7));

        Assert.Equal(1UL, leader.Core!.LastIndex.Value);
    }

    [Fact]
    public void A_forwarded_proposal_that_comes_twice_is_taken_once()
    {
        var leader = Given.Leader(id: 1, term: 4, settled: true);
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 7, 8));
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 7, 8));

        Assert.Equal(3UL, leader.Core!.LastIndex.Value);
        Assert.Empty(leader.Outbox);
    }

    /// <summary>Clients draw their numbers side by side, and messages overtake each other: what comes late comes for the first time all the same.</summary>
    [Fact]
    public void Numbers_that_come_in_another_order_are_all_taken()
    {
        var leader = Given.Leader(id: 1, term: 4, settled: true);
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 9, 7));
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 8, 5000));
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 6, 9, 7));

        leader.Flush();
        Assert.Equal([9, 7, 8, 5000, 6], leader.Disk.Entries.Skip(1).Select(e => e.Proposal.Sequence));
    }

    /// <summary>A proposer that restarts counts from another number, lower or higher: its proposals are new.</summary>
    [Theory]
    [InlineData(5UL, 1UL << 60)]
    [InlineData(1UL << 60, 5UL)]
    [InlineData(ulong.MaxValue, 1UL << 50)]
    public void Another_life_of_a_proposer_is_not_taken_for_the_last(ulong first, ulong second)
    {
        var leader = Given.Leader(id: 1, term: 4, settled: true);
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, first));
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, second));
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, first));

        Assert.Equal(3UL, leader.Core!.LastIndex.Value);
    }

    [Fact]
    public void What_was_refused_as_busy_is_not_taken_when_it_comes_again()
    {
        var leader = Given.Leader(id: 1, term: 4, settled: true, options: Given.Options(1) with { UncommittedBytesMax = 100, CommandBytesMax = 100 });
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 7, 8, 9));
        var refusal = leader.Take<RefuseProposals>().Single();
        Assert.Equal((8UL, 9UL, RejectReason.Busy), (refusal.FirstSequence, refusal.LastSequence, refusal.Reason));

        leader.EndTurn();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 4, index: 2));
        leader.Apply();
        leader.Receive(Given.Forward(from: 2, to: 1, term: 4, 7, 8, 9));
        Assert.Equal(2UL, leader.Core!.LastIndex.Value);
    }

    /// <summary>Whoever led the term may have taken them when they came first: a refusal would be a lie, even after a restart.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_node_that_led_the_term_refuses_nothing_of_it_afterwards(bool restarts)
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
        Assert.Empty(node.Take<RefuseProposals>());
    }

    [Fact]
    public void A_node_that_never_led_the_term_refuses_at_once()
    {
        var node = Given.Follower(id: 1, term: 4, vote: 3);
        node.Receive(Given.Forward(from: 2, to: 1, term: 4, 7, 8));

        var refusal = node.Take<RefuseProposals>().Single();
        Assert.Equal((7UL, 8UL, RejectReason.NotLeader), (refusal.FirstSequence, refusal.LastSequence, refusal.Reason));
    }

    /// <summary>A peer may say any numbers: the highest there is has none after it, and a range far wider than what is open is nobody's.</summary>
    [Theory]
    [InlineData(ulong.MaxValue, ulong.MaxValue)]
    [InlineData(ulong.MaxValue - 1, ulong.MaxValue)]
    [InlineData(0UL, ulong.MaxValue)]
    public void A_refusal_of_numbers_that_nobody_used_changes_nothing(ulong first, ulong last)
    {
        var node = Given.Follower(id: 2, term: 3, leader: 1);
        node.Propose(7);

        Assert.Empty(node.Receive(Given.Refusal(from: 1, to: 2, term: 3, first, last)).Rejections);
        Assert.Equal(7UL, Assert.Single(node.Receive(Given.Refusal(from: 1, to: 2, term: 3, 7, 7)).Rejections).Proposal.Sequence);
    }

    /// <summary>Once an entry of a later term is committed, what is not beneath it can never be.</summary>
    [Fact]
    public void A_proposal_is_superseded_when_an_entry_of_a_later_term_is_committed_without_it()
    {
        var node = Given.Follower(id: 2, term: 3, log: [3], leader: 1);
        node.Propose(7);
        Assert.Empty(node.Receive(Given.Append(from: 3, to: 2, term: 4, previous: (3, 1), entries: [4], commit: 1)).Rejections);

        var rejection = Assert.Single(node.Receive(Given.Heartbeat(from: 3, to: 2, term: 4, previous: (4, 2), commit: 2)).Rejections);
        Assert.Equal((7UL, RejectReason.Superseded), (rejection.Proposal.Sequence, rejection.Reason));
    }

    [Fact]
    public void A_deposed_leaders_proposal_that_survives_is_committed_and_not_rejected()
    {
        var node = Given.Leader(id: 1, term: 2, settled: true);
        node.Propose(7);
        var effects = node.Receive(Given.Append(from: 3, to: 1, term: 3, previous: (2, 2), entries: [3], commit: 3));

        Assert.Empty(effects.Rejections);
        Assert.Contains(effects.Apply.ToArray(), e => e.Proposal == new ProposalId(Given.Node(1), 7));
    }

    /// <summary>What a slow quorum makes us hold is bounded: beyond it, Busy at once, never a silent drop.</summary>
    [Fact]
    public void Beyond_the_cap_proposals_are_busy_and_below_it_they_are_taken_again()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true, options: Given.Options(1) with { UncommittedBytesMax = 200, CommandBytesMax = 200 });
        Assert.Equal([4, 5], leader.Propose(1, 2, 3, 4, 5).Rejections.Select(r => r.Proposal.Sequence));
        Assert.All(leader.Propose(6).Rejections, r => Assert.Equal(RejectReason.Busy, r.Reason));

        leader.EndTurn();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 4));
        leader.Apply();
        Assert.Empty(leader.Propose(7).Rejections);
    }

    [Fact]
    public void A_command_that_is_too_large_is_rejected_wherever_it_is_proposed()
    {
        var options = Given.Options(1) with { CommandBytesMax = 2 };
        Assert.Equal(RejectReason.TooLarge, Assert.Single(Given.Leader(id: 1, options: options).Propose(1).Rejections).Reason);
        Assert.Equal(RejectReason.TooLarge, Assert.Single(Given.Follower(id: 1, leader: 2, options: options).Propose(1).Rejections).Reason);
    }
}
