using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>A withdrawn proposal completes as indeterminate, and the core does no more work for it.</summary>
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
        Assert.Equal(ProposalOutcome.Indeterminate, (await outcome).Outcome);
        _node.RunOnce();

        var (_, second) = _node.Propose(bytes: 600);
        _node.RunOnce();
        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task A_completed_proposal_cannot_be_withdrawn()
    {
        var (proposal, outcome) = _node.Propose(bytes: 1);
        _node.RunOnce();
        Assert.False(_node.Withdraw(proposal));
        Assert.Equal(RejectReason.NoLeader, (await outcome).Reason);
    }
}
