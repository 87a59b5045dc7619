using Quorate.Node.Transport;
using Quorate.Raft;

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

    [Fact]
    public async Task A_leader_serves_reads_from_its_lease_until_it_hands_leadership_over()
    {
        await using var cluster = await TestCluster.StartAsync(
            3, static options => options with { LeaseDuration = TimeSpan.FromMilliseconds(300) });
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync(1);
        using var limit = new CancellationTokenSource(Limit);
        var read = await ReadByLeaseAsync(leader, limit.Token);
        Assert.Contains(1, leader.StateMachine.Numbers);

        var transfer = await leader.Node.TransferLeadershipAsync(cancellationToken: limit.Token);

        // An attempt may fail on a busy machine; then the same leader has a lease again only after another command.
        if (transfer.IsCompleted)
            Assert.False(read.IsStillValid);
    }

    /// <summary>The others may elect a leader that this one does not know of.</summary>
    [Fact]
    public async Task A_read_by_lease_is_not_valid_any_more_when_the_others_cannot_be_reached()
    {
        await using var cluster = await TestCluster.StartAsync(
            3, static options => options with { LeaseDuration = TimeSpan.FromMilliseconds(300) });
        var leader = await cluster.LeaderAsync();
        await leader.ProposeAsync(1);
        using var limit = new CancellationTokenSource(Limit);
        var read = await ReadByLeaseAsync(leader, limit.Token);
        foreach (var number in cluster.Running.Where(node => node != leader).Select(node => node.Number).ToArray())
            await cluster.StopAsync(number);

        await TestCluster.WaitUntilAsync(() => !read.IsStillValid);
    }

    /// <summary>It forwards the read to the leader.</summary>
    [Fact]
    public async Task A_follower_uses_no_lease()
    {
        await using var cluster = await TestCluster.StartAsync(
            3, static options => options with { LeaseDuration = TimeSpan.FromMilliseconds(300) });
        var leader = await cluster.LeaderAsync();
        using var limit = new CancellationTokenSource(Limit);
        await ReadByLeaseAsync(leader, limit.Token);
        var follower = cluster.Running.First(node => node != leader);
        var read = await follower.Node.ReadBarrierAsync(new ReadOptions { AllowLease = true }, limit.Token);

        Assert.True(read is { IsGranted: true, IsStillValid: true });
        Assert.True(read.Lease is null || follower.Node.Status.Role == Role.Leader);
    }

    [Theory]
    [InlineData(900, 0.01, "LeaseDuration is 900 ms")]
    [InlineData(0.5, 0.01, "LeaseDuration is 0.5 ms")]
    [InlineData(100, 0.6, "LeaseClockDriftMax is 0.6; it must be from 0 to 0.5")]
    [InlineData(100, double.NaN, "LeaseClockDriftMax is NaN")]
    public void A_lease_out_of_its_range_is_refused_in_words(double milliseconds, double drift, string words)
    {
        var options = new RaftNodeOptions
        {
            NodeId = new NodeId(1), ClusterId = 1, DataDirectory = "n1",
            Members = new Dictionary<NodeId, PeerAddress> { [new NodeId(1)] = new("127.0.0.1", 1) },
            LeaseDuration = TimeSpan.FromMilliseconds(milliseconds), LeaseClockDriftMax = drift,
        };

        Assert.Contains(words, Assert.Throws<ArgumentException>(options.Validate).Message, StringComparison.Ordinal);
    }

    private static async Task<ReadResult> ReadByLeaseAsync(RunningNode leader, CancellationToken cancellationToken)
    {
        while (true)
        {
            var read = await leader.Node.ReadBarrierAsync(new ReadOptions { AllowLease = true }, cancellationToken);
            Assert.True(read.IsGranted);
            if (read is { Lease: not null, IsStillValid: true })
                return read;
        }
    }
}
