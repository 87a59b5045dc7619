namespace Quorate.Raft.Tests.Rules;

/// <summary>
/// The simulator and <see cref="Properties.LimitTests"/> find leaks with <see cref="RaftCore.IsSettled"/>, so it must be false while
/// anything is pending.
/// </summary>
public sealed class SettledTests
{
    [Fact]
    public void A_leader_is_settled_once_nothing_is_pending()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        Assert.True(leader.Core!.IsSettled);

        leader.Propose(1);
        Assert.False(leader.Core.IsSettled, "the entry is not durable");
        leader.EndIteration();
        leader.Flush();
        Assert.False(leader.Core.IsSettled, "the entry is not committed");
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 2));
        Assert.False(leader.Core.IsSettled, "the entry is not applied");
        leader.Apply();
        Assert.True(leader.Core.IsSettled);
    }

    [Fact]
    public void A_leader_with_a_pending_read_is_not_settled()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Read(1);
        Assert.False(leader.Core!.IsSettled);
        leader.EndIteration();
        Assert.False(leader.Core.IsSettled);
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1, round: 1));
        Assert.True(leader.Core.IsSettled);
    }

    [Fact]
    public void A_follower_with_a_forwarded_request_is_not_settled()
    {
        var follower = Given.Follower(id: 2, term: 2, leader: 1);
        Assert.True(follower.Core!.IsSettled);
        follower.Propose(1);
        Assert.False(follower.Core.IsSettled);
        follower.Step(Input.Withdraw(1));
        Assert.True(follower.Core.IsSettled);
        follower.Read(1);
        Assert.False(follower.Core.IsSettled);
    }
}
