using Quorate.Raft;

namespace Quorate.Node.Tests.Groups;

/// <summary>Whoever stops waiting for a proposal is told that its outcome is open, and the core does no more for it.</summary>
public sealed class CallersStopWaiting
{
    private readonly LoneLoop _node = new(options: new RaftOptions { Self = new NodeId(1), MaxCommandBytes = 1000, MaxUncommittedBytes = 1000 });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_proposal_that_was_withdrawn_takes_nobodys_place_whether_the_loop_had_taken_it_or_not(bool taken)
    {
        _node.HearLeader();
        _node.Turn();
        var (first, outcome) = _node.Propose(bytes: 600);
        if (taken)
        {
            _node.Turn();
            var (_, refused) = _node.Propose(bytes: 600);
            _node.Turn();
            Assert.Equal(RejectReason.Busy, (await refused).Reason);
        }

        Assert.True(_node.Withdraw(first));
        Assert.Equal(ProposalOutcome.Indeterminate, (await outcome).Outcome);
        _node.Turn();

        var (_, second) = _node.Propose(bytes: 600);
        _node.Turn();
        Assert.False(second.IsCompleted);
    }

    [Fact]
    public async Task Whoever_has_an_outcome_keeps_it()
    {
        var (proposal, outcome) = _node.Propose(bytes: 1);
        _node.Turn();
        Assert.False(_node.Withdraw(proposal));
        Assert.Equal(RejectReason.NoLeader, (await outcome).Reason);
    }
}
