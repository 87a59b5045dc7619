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
    public void A_member_whose_vote_is_not_durable_is_not_settled()
    {
        var member = Given.Follower(id: 2, term: 2);
        member.Receive(Given.Vote(from: 3, to: 2, term: 2));
        Assert.False(member.Core!.IsSettled);
        member.Flush();
        Assert.True(member.Core.IsSettled);
    }

    /// <summary>The later term ends the forwarding, and its first committed entry decides what became of the proposal.</summary>
    [Fact]
    public void A_member_with_a_proposal_of_an_earlier_term_is_not_settled()
    {
        var follower = Given.Follower(id: 2, term: 2, leader: 1);
        follower.Propose(1);
        follower.Receive(Given.Heartbeat(from: 3, to: 2, term: 3));
        follower.Flush();
        Assert.False(follower.Core!.IsSettled);
        follower.Receive(Given.Append(from: 3, to: 2, term: 3, previous: (0, 0), entries: [3], commit: 1));
        follower.Flush();
        follower.Apply();
        Assert.True(follower.Core.IsSettled);
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
