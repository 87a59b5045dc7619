namespace Quorate.Raft.Tests.Rules;

/// <summary>What is committed and cannot be applied yet waits on the disk: nobody could ask the leader of a follower's machine to wait. See docs/protocol/commit.md.</summary>
public sealed class ASlowStateMachineCostsNoMemory
{
    private const long CachedMax = 1000;
    private const long HandedOutMax = 2000;

    private static readonly RaftOptions Options =
        Given.Options(1) with { CachedBytesMax = CachedMax, UncommittedBytesMax = HandedOutMax, CommandBytesMax = 1000, MessageBytesMax = 1024 };

    [Fact]
    public void A_follower_whose_machine_hangs_holds_no_more_than_it_may_and_applies_all_of_it_in_order_later()
    {
        var node = Given.Follower(id: 1, term: 2, leader: 2, options: Options);
        Follow(node, entries: 1000);

        Assert.Equal(1000UL, node.Core!.CommitIndex.Value);
        Assert.True(node.ToApply * LogEntry.OverheadBytes <= HandedOutMax, $"{node.ToApply} entries handed out");

        var turns = 0;
        while (node.Core.AppliedIndex < node.Core.CommitIndex)
        {
            Assert.True(turns++ < 1000, $"it applied {node.Core.AppliedIndex} and no more");
            node.Apply(turns % 7 + 1);
            node.AnswerLogRead(fails: turns % 5 == 0);
            node.EndTurn();
            Assert.InRange(node.Core.CachedBytes, 0, CachedMax);
        }

        Assert.Equal(0, node.LogReads);
        node.Receive(Given.Append(from: 2, to: 1, term: 2, previous: (2, 1000), entries: [2], commit: 1001));
        Assert.Equal(1, node.ToApply);
    }

    /// <summary>It is their own member that answers them. This one's own clients would wait until it has caught up.</summary>
    [Fact]
    public void A_new_leader_whose_machine_has_much_to_catch_up_with_serves_the_others_and_not_its_own()
    {
        var node = Given.Follower(id: 1, term: 2, leader: 2, options: Options);
        Follow(node, entries: 1000);
        Lead(node, term: 3);

        Assert.Equal(RejectReason.Busy, Assert.Single(node.Propose(1).Rejections).Reason);
        node.Receive(Given.Forward(from: 3, to: 1, term: 3, 7));
        Assert.Equal(1002UL, node.Core!.LastIndex.Value);
        Assert.Empty(node.Take<RefuseProposals>());
    }

    [Fact]
    public void A_follower_whose_machine_has_much_to_catch_up_with_passes_nothing_on()
    {
        var node = Given.Follower(id: 1, term: 2, leader: 2, options: Options);
        Assert.Empty(node.Propose(1).Rejections);
        Follow(node, entries: 1000);
        Assert.Equal(RejectReason.Busy, Assert.Single(node.Propose(2).Rejections).Reason);
    }

    /// <summary>Ten entries in each message, committed with the next; nothing is applied.</summary>
    private static void Follow(Machine node, int entries)
    {
        for (ulong previous = 0; previous < (ulong)entries; previous += 10)
        {
            node.Receive(Given.Append(from: 2, to: 1, term: 2, previous: (previous == 0 ? 0UL : 2, previous), entries: [2, 2, 2, 2, 2, 2, 2, 2, 2, 2], commit: previous));
            node.Flush();
            node.EndTurn();
            Assert.InRange(node.Core!.CachedBytes, 0, CachedMax);
        }

        node.Receive(Given.Heartbeat(from: 2, to: 1, term: 2, previous: (2, (ulong)entries), commit: (ulong)entries));
        node.EndTurn();
        node.Outbox.Clear();
    }

    private static void Lead(Machine node, ulong term)
    {
        while (node.Core!.Role == Role.Follower)
            node.Tick();
        node.Receive(Given.PreVoteReply(from: 2, to: 1, term));
        node.Flush();
        node.Receive(Given.VoteReply(from: 2, to: 1, term));
        Assert.Equal(Role.Leader, node.Core.Role);
        node.Outbox.Clear();
    }
}
