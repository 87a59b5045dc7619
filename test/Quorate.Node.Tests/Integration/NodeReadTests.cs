namespace Quorate.Node.Tests.Integration;

/// <summary>Read barriers with options, on running nodes.</summary>
public sealed class NodeReadTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_follower_has_applied_a_command_after_a_read_at_its_index()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        using var limit = new CancellationTokenSource(Limit);
        for (var number = 1; number <= 20; number++)
        {
            var proposed = await leader.ProposeAsync(number);
            foreach (var follower in cluster.Running)
            {
                var read = await follower.Node.ReadBarrierAsync(new ReadOptions { AtLeastIndex = proposed.Index }, limit.Token);

                Assert.True(read.IsGranted && read.Index >= proposed.Index);
                Assert.Contains(number, follower.StateMachine.Numbers);
            }
        }
    }

    [Fact]
    public async Task A_read_at_an_index_needs_no_leader_and_its_wait_ends_with_the_token()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var proposed = await leader.ProposeAsync(1);
        var survivor = cluster.Running.First(node => node != leader);
        using var limit = new CancellationTokenSource(Limit);
        await survivor.Node.ReadBarrierAsync(new ReadOptions { AtLeastIndex = proposed.Index }, limit.Token);
        foreach (var number in cluster.Running.Where(node => node != survivor).Select(node => node.Number).ToArray())
            await cluster.StopAsync(number);
        await TestCluster.WaitUntilAsync(() => !survivor.Node.Status.HasLeader);

        Assert.True((await survivor.Node.ReadBarrierAsync(new ReadOptions { AtLeastIndex = proposed.Index }, limit.Token)).IsGranted);
        using var briefly = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await survivor.Node.ReadBarrierAsync(new ReadOptions { AtLeastIndex = proposed.Index + 1000 }, briefly.Token));
        Assert.Equal(0, survivor.Node.PendingReadCount);
    }

    /// <summary>The bound is generous: what is tested is that no round trip takes place, not how long one takes.</summary>
    [Fact]
    public async Task A_follower_without_a_leader_serves_reads_until_the_bound_and_then_waits()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var survivor = cluster.Running.First(node => node != leader);
        using var limit = new CancellationTokenSource(Limit);
        Assert.True((await survivor.Node.ReadBarrierAsync(limit.Token)).IsGranted);
        foreach (var number in cluster.Running.Where(node => node != survivor).Select(node => node.Number).ToArray())
            await cluster.StopAsync(number);
        await TestCluster.WaitUntilAsync(() => !survivor.Node.Status.HasLeader);

        var generous = new ReadOptions { MaxStaleness = TimeSpan.FromHours(1) };
        Assert.True((await survivor.Node.ReadBarrierAsync(generous, limit.Token)).IsGranted);
        using var briefly = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await survivor.Node.ReadBarrierAsync(new ReadOptions { MaxStaleness = TimeSpan.FromTicks(1) }, briefly.Token));
    }

    [Fact]
    public async Task A_negative_bound_is_refused_in_words()
    {
        await using var cluster = await TestCluster.StartAsync(1);

        var error = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await cluster[1].Node.ReadBarrierAsync(new ReadOptions { MaxStaleness = TimeSpan.FromSeconds(-1) }));

        Assert.Contains("MaxStaleness must be at least zero", error.Message, StringComparison.Ordinal);
    }
}
