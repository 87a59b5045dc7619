using Quorate.Raft;

namespace Quorate.Node.Tests.Integration;

/// <summary>Whole nodes on loopback sockets and real files.</summary>
public sealed class ClusterTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Every_member_accepts_proposals_and_all_members_apply_the_same_log(int size)
    {
        await using var cluster = await TestCluster.StartAsync(size);
        await cluster.LeaderAsync();

        for (var i = 0; i < 10; i++)
        {
            foreach (var member in cluster.Running)
            {
                var result = await member.ProposeAsync(100 * i + member.Number);
                Assert.Equal(ProposalOutcome.Committed, result.Outcome);
            }
        }

        foreach (var member in cluster.Running)
            Assert.True((await member.Node.ReadBarrierAsync()).IsGranted);
        Assert.All(cluster.Running, member => Assert.Equal(cluster[1].StateMachine.Numbers, member.StateMachine.Numbers));
        Assert.Equal(10 * size, cluster[1].StateMachine.Numbers.Length);
    }

    [Fact]
    public async Task Cancelled_requests_throw_and_have_no_effect()
    {
        await using var cluster = await TestCluster.StartAsync(1);
        var node = cluster[1].Node;
        await node.WaitForLeaderAsync();
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await node.ProposeAsync(NumberListStateMachine.Add(1), cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await node.ReadBarrierAsync(cancelled.Token));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in node.WatchLeadershipAsync(cancelled.Token))
            {
            }
        });
        Assert.True((await node.ReadBarrierAsync()).IsGranted);
        Assert.Empty(cluster[1].StateMachine.Numbers);
    }

    [Fact]
    public async Task Requests_to_a_stopped_node_throw_one_type_of_exception()
    {
        await using var cluster = await TestCluster.StartAsync(1);
        var node = cluster[1].Node;
        await node.WaitForLeaderAsync();
        await node.DisposeAsync();

        await Assert.ThrowsAsync<NodeStoppedException>(async () => await node.ProposeAsync(NumberListStateMachine.Add(1)));
        await Assert.ThrowsAsync<NodeStoppedException>(async () => await node.ReadBarrierAsync());
        await Assert.ThrowsAsync<NodeStoppedException>(async () => await node.WaitForLeaderAsync());
        Assert.Empty(cluster[1].StateMachine.Numbers);
    }

    /// <summary>One member of three knows no leader: its requests wait, and their cancellation proves that they had no effect.</summary>
    [Fact]
    public async Task Requests_wait_for_a_leader_until_they_are_cancelled()
    {
        await using var cluster = TestCluster.Stopped(3);
        await cluster.StartAsync(1, default);
        var node = cluster[1].Node;
        using var giveUp = new CancellationTokenSource();
        var abandoned = node.ProposeAsync(NumberListStateMachine.Add(1), giveUp.Token).AsTask();
        var abandonedRead = node.ReadBarrierAsync(giveUp.Token).AsTask();
        var waiting = node.ProposeAsync(NumberListStateMachine.Add(2)).AsTask();
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandoned);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => abandonedRead);
        Assert.False(waiting.IsCompleted);

        await cluster.StartAsync(2, default);

        Assert.True((await waiting).IsCommitted);

        // The member that was called has applied it; another one, even the leader, may apply it later.
        Assert.Equal([2L], cluster[1].StateMachine.Numbers);
        await TestCluster.WaitUntilAsync(() => cluster[2].StateMachine.Numbers.Length > 0);
        Assert.Equal([2L], cluster[2].StateMachine.Numbers);
    }

    [Fact]
    public async Task A_proposal_with_an_expected_term_is_only_committed_in_that_term()
    {
        await using var cluster = await TestCluster.StartAsync(1);
        var node = cluster[1].Node;
        var term = (await node.WaitForLeaderAsync()).Term;

        var refused = await node.ProposeAsync(
            NumberListStateMachine.Add(1), new ProposalOptions { ExpectedTerm = new Term(term.Value + 1) }, CancellationToken.None);
        var committed = await node.ProposeAsync(
            NumberListStateMachine.Add(2), new ProposalOptions { ExpectedTerm = term }, CancellationToken.None);

        Assert.Equal((RejectReason.TermMismatch, false), (refused.Reason, refused.IsRetryable));
        Assert.Equal((true, term), (committed.IsCommitted, committed.Entry.Term));
        Assert.Equal([2L], cluster[1].StateMachine.Numbers);
    }

    [Fact]
    public async Task A_read_on_any_member_sees_what_was_acknowledged_by_another()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        await cluster.LeaderAsync();

        for (var i = 0; i < 30; i++)
        {
            Assert.True((await cluster[i % 3 + 1].ProposeAsync(i)).IsCommitted);
            var reader = cluster[(i + 1) % 3 + 1];
            Assert.True((await reader.Node.ReadBarrierAsync()).IsGranted);
            Assert.Contains(i, reader.StateMachine.Numbers);
        }
    }

    [Fact]
    public async Task A_cluster_restarted_in_another_order_recovers_the_same_data()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        await cluster.LeaderAsync();
        for (var i = 0; i < 50; i++)
            Assert.True((await cluster[1].ProposeAsync(i)).IsCommitted);

        foreach (var number in new[] { 2, 1, 3 })
            await cluster.StopAsync(number);
        foreach (var number in new[] { 3, 1, 2 })
            await cluster.StartAsync(number, default);

        foreach (var member in cluster.Running)
        {
            await member.Node.WaitForLeaderAsync();
            Assert.True((await member.Node.ReadBarrierAsync()).IsGranted);
            Assert.Equal(Enumerable.Range(0, 50).Select(i => (long)i), member.StateMachine.Numbers);
        }
    }

    [Fact]
    public async Task A_leadership_watch_ends_without_a_leader_when_the_node_stops()
    {
        await using var cluster = await TestCluster.StartAsync(1);
        await cluster.LeaderAsync();
        var node = cluster[1].Node;
        var watching = Task.Run(async () =>
        {
            RaftStatus last = default;
            await foreach (var status in node.WatchLeadershipAsync())
                last = status;
            return last;
        });

        await cluster.StopAsync(1);

        Assert.False((await watching).HasLeader);
        await Assert.ThrowsAsync<NodeStoppedException>(async () => await node.WaitForLeaderAsync());
    }

    [Fact]
    public async Task A_member_started_late_catches_up()
    {
        await using var cluster = TestCluster.Stopped(3);
        await cluster.StartAsync(1, default);
        await cluster.StartAsync(2, default);
        await cluster[1].Node.WaitForLeaderAsync();
        for (var i = 0; i < 200; i++)
            Assert.True((await cluster[1].ProposeAsync(i)).IsCommitted);

        await cluster.StartAsync(3, default);

        await TestCluster.WaitUntilAsync(() => cluster[3].StateMachine.Numbers.Length == 200);
        Assert.Equal(cluster[1].StateMachine.Numbers, cluster[3].StateMachine.Numbers);
    }

    /// <summary>A limit that was lowered, or that differs between members, must not stop them one by one at an older command.</summary>
    [Fact]
    public async Task A_member_stores_and_applies_commands_that_are_larger_than_it_lets_its_clients_propose()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var late = cluster.Running.First(n => n != leader).Number;
        Assert.True((await leader.Node.ProposeAsync(NumberListStateMachine.Add(1, commandBytes: 50_000))).IsCommitted);
        await cluster.StopAsync(late);
        Assert.True((await leader.Node.ProposeAsync(NumberListStateMachine.Add(2, commandBytes: 50_000))).IsCommitted);

        await cluster.StartAsync(late, default, static options => options with { MaxCommandBytes = 100 });
        Assert.True((await leader.Node.ProposeAsync(NumberListStateMachine.Add(3, commandBytes: 50_000))).IsCommitted);
        await TestCluster.WaitUntilAsync(
            () => cluster[late].StateMachine.Numbers.Length == 3 || cluster[late].Node.Completion.IsCompleted);

        Assert.Equal([1, 2, 3], cluster[late].StateMachine.Numbers);
        var refused = await cluster[late].Node.ProposeAsync(NumberListStateMachine.Add(4, commandBytes: 101));
        Assert.Equal((ProposalOutcome.Rejected, RejectReason.TooLarge), (refused.Outcome, refused.Reason));
    }

    [Fact]
    public async Task When_the_leader_stops_another_takes_over_and_nothing_acknowledged_is_lost()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var acknowledged = new List<long>();
        for (var round = 0; round < 5; round++)
        {
            var leader = await cluster.LeaderAsync();
            var other = cluster.Running.First(n => n != leader);
            var term = leader.Node.Status.Term;
            await cluster.StopAsync(leader.Number);

            for (var i = 0; i < 20; i++)
            {
                var number = round * 100 + i;
                ProposalResult<int> result;
                do
                    result = await other.ProposeAsync(number);
                while (result.Outcome == ProposalOutcome.Rejected);
                if (result.IsCommitted)
                    acknowledged.Add(number);
            }

            Assert.True(other.Node.Status.Term > term);
            await cluster.StartAsync(leader.Number, default);
        }

        await cluster.LeaderAsync();
        foreach (var member in cluster.Running)
        {
            Assert.True((await member.Node.ReadBarrierAsync()).IsGranted);
            Assert.All(acknowledged, number => Assert.Contains(number, member.StateMachine.Numbers));
            Assert.Equal(cluster[1].StateMachine.Numbers, member.StateMachine.Numbers);
        }
    }

    [Fact]
    public async Task Without_a_quorum_a_proposal_is_never_reported_as_committed()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        foreach (var other in cluster.Running.Where(n => n != leader).ToArray())
            await cluster.StopAsync(other.Number);

        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        var result = await leader.Node.ProposeAsync(NumberListStateMachine.Add(1), timeout.Token);

        Assert.NotEqual(ProposalOutcome.Committed, result.Outcome);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await leader.Node.ReadBarrierAsync(timeout.Token));
    }

    [Fact]
    public async Task Concurrent_writers_on_every_member_each_get_their_own_result()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        await cluster.LeaderAsync();

        var results = await Task.WhenAll(
            Enumerable.Range(0, 600).Select(i => Task.Run(async () => (await cluster[i % 3 + 1].ProposeAsync(i)).Result)));

        Assert.Equal(600, results.Distinct().Count());
        await TestCluster.WaitUntilAsync(() => cluster.Running.All(n => n.StateMachine.Numbers.Length == 600));
        Assert.All(cluster.Running, n => Assert.Equal(cluster[1].StateMachine.Numbers, n.StateMachine.Numbers));
    }
}
