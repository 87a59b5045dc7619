namespace Quorate.Raft.Tests.Rules;

/// <summary>A member whose state machine is quarantined leads only if no other can, and takes part in everything else.</summary>
public sealed class QuarantineTests
{
    [Fact]
    public void A_quarantined_leader_passes_leadership_on()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Step(Input.Quarantined);
        leader.Tick();
        leader.EndIteration();

        Assert.NotEqual(NodeId.None, leader.Core!.TransferTarget);
        Assert.Single(leader.Take<TimeoutNow>());
        Assert.Equal(Role.Leader, leader.Core.Role);
    }

    [Fact]
    public void A_quarantined_follower_does_not_take_over_leadership()
    {
        var follower = Given.Follower(id: 2, term: 2, log: [1, 2], leader: 1);
        follower.Step(Input.Quarantined);
        follower.Receive(new TimeoutNow
        {
            From = Given.Node(1), To = Given.Node(2), Term = new Term(2), LastIndex = follower.Core!.LastIndex,
        });
        Assert.Equal(Role.Follower, follower.Core.Role);
    }

    /// <summary>It may be the only member that has a committed entry, so it must campaign in the end.</summary>
    [Fact]
    public void A_quarantined_follower_campaigns_late_and_not_never()
    {
        var sound = Given.Follower(id: 2, term: 2, log: [1, 2], leader: 1);
        var quarantined = Given.Follower(id: 2, term: 2, log: [1, 2], leader: 1);
        quarantined.Step(Input.Quarantined);
        var ticks = TicksUntilPreVote(sound);
        Assert.InRange(TicksUntilPreVote(quarantined), 2 * ticks, 20 * ticks);
    }

    [Fact]
    public void A_quarantined_follower_votes_and_acknowledges_entries()
    {
        var follower = Given.Follower(id: 2, term: 2, log: [1, 2], leader: 1);
        follower.Step(Input.Quarantined);
        follower.Receive(new RequestVote
        {
            From = Given.Node(3), To = Given.Node(2), Term = new Term(3), IsTransfer = true,
            LastEntry = new EntryId(new Term(2), new LogIndex(2)),
        });
        follower.Flush();
        Assert.True(Assert.Single(follower.Take<RequestVoteReply>()).Granted);
    }

    private static int TicksUntilPreVote(TestNode node)
    {
        for (var ticks = 1; ; ticks++)
        {
            node.Tick();
            if (node.Core!.Role == Role.PreCandidate)
                return ticks;
            Assert.True(ticks < 100_000, "it never campaigns");
        }
    }
}
