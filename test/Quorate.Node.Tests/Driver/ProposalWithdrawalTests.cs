using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>A withdrawn proposal completes at once, and neither the queue nor the core does more work for it.</summary>
public sealed class ProposalWithdrawalTests
{
    private readonly DriverHarness _node =
        new(options: new RaftOptions { Self = new NodeId(1), MaxCommandBytes = 1000, MaxUncommittedBytes = 1000 });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_withdrawn_proposal_frees_its_share_of_the_uncommitted_limit(bool taken)
    {
        _node.ReceiveAppendEntries();
        _node.RunOnce();
        var (first, outcome) = _node.Propose(bytes: 600);
        if (taken)
        {
            _node.RunOnce();
            var (_, rejected) = _node.Propose(bytes: 600);
            _node.RunOnce();
            Assert.Equal(RejectReason.Busy, (await rejected).Reason);
        }

        Assert.True(_node.Withdraw(first));
        Assert.Equal(taken ? ProposalOutcome.Indeterminate : ProposalOutcome.Rejected, (await outcome).Outcome);
        _node.RunOnce();

        var (_, second) = _node.Propose(bytes: 600);
        _node.RunOnce();
        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task A_completed_proposal_cannot_be_withdrawn()
    {
        _node.ReceiveAppendEntries();
        _node.RunOnce();
        var (proposal, outcome) = _node.Propose(bytes: 1001);
        _node.RunOnce();
        Assert.False(_node.Withdraw(proposal));
        Assert.Equal(RejectReason.TooLarge, (await outcome).Reason);
    }

    [Fact]
    public async Task A_proposal_waits_for_a_leader_in_the_queue_unless_it_is_withdrawn()
    {
        var (first, withdrawn) = _node.Propose(bytes: 10);
        var (_, waiting) = _node.Propose(bytes: 600);
        _node.RunOnce();
        Assert.True(_node.Withdraw(first));
        Assert.Equal(RejectReason.NoLeader, (await withdrawn).Reason);
        Assert.False(waiting.IsCompleted);

        _node.ReceiveAppendEntries();
        _node.RunOnce();
        var (_, beyondLimit) = _node.Propose(bytes: 600);
        _node.RunOnce();
        Assert.Equal(RejectReason.Busy, (await beyondLimit).Reason); // The core has the 600 bytes that waited.
        Assert.False(waiting.IsCompleted);
    }

    [Fact]
    public void Withdrawn_proposals_leave_the_queue_while_there_is_no_leader()
    {
        for (var i = 0; i < 10_000; i++)
        {
            var (proposal, _) = _node.Propose(bytes: 1000);
            Assert.True(_node.Withdraw(proposal));
        }
    }
}
