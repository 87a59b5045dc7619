namespace Quorate.Raft.Tests.Rules;

/// <summary>
/// Committed entries that cannot be applied yet wait on the disk, because a follower cannot make its leader wait for its state machine. See
/// docs/protocol/commit.md.
/// </summary>
public sealed class SlowStateMachineTests
{
    private const long CachedBytesMax = 1000;
    private const long UnappliedBytesMax = 2000;

    private static readonly RaftOptions Options =
        Given.Options(1) with
        {
            MaxCachedBytes = CachedBytesMax,
            MaxUncommittedBytes = UnappliedBytesMax,
            MaxCommandBytes = 1000,
            MaxMessageBytes = 1024
        };

    [Fact]
    public void A_follower_with_a_stalled_state_machine_uses_bounded_memory()
    {
        var node = Given.Follower(id: 1, term: 2, leader: 2, options: Options);
        ReplicateEntries(node, entries: 1000);

        Assert.Equal(1000UL, node.Core!.CommitIndex.Value);
        Assert.True(node.ToApply * LogEntry.OverheadBytes <= UnappliedBytesMax, $"{node.ToApply} entries are being applied");

        var iterations = 0;
        while (node.Core.AppliedIndex < node.Core.CommitIndex)
        {
            Assert.True(iterations++ < 1000, $"the applied index stays at {node.Core.AppliedIndex}");
            node.Apply(iterations % 7 + 1);
            node.CompleteEntriesRequest(fails: iterations % 5 == 0);
            node.EndIteration();
            Assert.InRange(node.Core.CachedBytes, 0, CachedBytesMax);
        }

        Assert.Equal(0, node.PendingEntriesRequests);
        node.Receive(Given.Append(from: 2, to: 1, term: 2, previous: (2, 1000), entries: [2], commit: 1001));
        Assert.Equal(1, node.ToApply);
    }

    /// <summary>
    /// The member that forwarded a proposal completes it. The leader's own clients would wait until the leader's state machine has caught
    /// up.
    /// </summary>
    [Fact]
    public void A_new_leader_with_a_lagging_state_machine_accepts_only_forwarded_proposals()
    {
        var node = Given.Follower(id: 1, term: 2, leader: 2, options: Options);
        ReplicateEntries(node, entries: 1000);
        BecomeLeader(node, term: 3);

        Assert.Equal(RejectReason.Busy, Assert.Single(node.Propose(1).Rejections).Reason);
        node.Receive(Given.Forward(from: 3, to: 1, term: 3, 7));
        Assert.Equal(1002UL, node.Core!.LastIndex.Value);
        Assert.Empty(node.Take<RejectProposals>());
    }

    [Fact]
    public void A_follower_with_a_lagging_state_machine_forwards_no_proposals()
    {
        var node = Given.Follower(id: 1, term: 2, leader: 2, options: Options);
        Assert.Empty(node.Propose(1).Rejections);
        ReplicateEntries(node, entries: 1000);
        Assert.Equal(RejectReason.Busy, Assert.Single(node.Propose(2).Rejections).Reason);
    }

    /// <summary>Sends ten entries in each message and commits them with the next message; applies nothing.</summary>
    private static void ReplicateEntries(TestNode node, int entries)
    {
        for (ulong previous = 0; previous < (ulong)entries; previous += 10)
        {
            node.Receive(Given.Append(
                from: 2, to: 1, term: 2, previous: (previous == 0 ? 0UL : 2, previous),
                entries: [2, 2, 2, 2, 2, 2, 2, 2, 2, 2], commit: previous));
            node.Flush();
            node.EndIteration();
            Assert.InRange(node.Core!.CachedBytes, 0, CachedBytesMax);
        }

        node.Receive(Given.Heartbeat(from: 2, to: 1, term: 2, previous: (2, (ulong)entries), commit: (ulong)entries));
        node.EndIteration();
        node.Outbox.Clear();
    }

    private static void BecomeLeader(TestNode node, ulong term)
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
