using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Quorate.Node.Health;
using Quorate.Node.Tests.Integration;
using Quorate.Raft;

namespace Quorate.Node.Tests.Health;

/// <summary>The health that running nodes state, while members are stopped and started.</summary>
public sealed class NodeHealthTests
{
    [Fact]
    public async Task The_leader_states_how_many_more_members_may_fail_and_it_is_true()
    {
        await using var cluster = await TestCluster.StartAsync(5);
        for (var tolerance = 2; tolerance >= 0; tolerance--)
        {
            var leader = await cluster.LeaderAsync();
            await TestCluster.WaitUntilAsync(() => leader.Node.Health.FailureTolerance == tolerance);
            Assert.True(leader.Node.Health.HasQuorum);
            Assert.True((await leader.ProposeAsync(tolerance)).IsCommitted);

            // The leader itself is among the members that may fail, and the last of the three.
            var victim = tolerance == 0 ? leader.Number : cluster.Running.First(node => node.Number != leader.Number).Number;
            await cluster.StopAsync(victim);
        }

        await TestCluster.WaitUntilAsync(() => cluster.Running.All(static node => !node.Node.Health.HasQuorum));
        Assert.All(cluster.Running, static node => Assert.Equal(0, node.Node.Health.FailureTolerance));
        Assert.All(cluster.Running, static node => Assert.Equal(HealthProblemKind.NoLeader, node.Node.Health.Problems[0].Kind));
    }

    [Fact]
    public async Task A_follower_states_that_only_the_leader_knows_the_tolerance()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        var follower = cluster.Running.First(node => node != leader).Node;

        await TestCluster.WaitUntilAsync(() => follower.Health is { Level: HealthLevel.Healthy, HasQuorum: true });

        var health = follower.Health;
        Assert.Equal((false, null, leader.Node.Status.NodeId), (health.IsLeaderView, health.FailureTolerance, health.Leader));
        Assert.StartsWith("Healthy, seen from follower ", health.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Only_the_leader_measures_the_failure_tolerance()
    {
        using var meter = new Meter("test");
        var measured = new ConcurrentDictionary<long, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter == meter && instrument.Name == RaftMetricNames.FailureTolerance)
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, value, tags, _) => measured[(long)tags[0].Value!] = value);
        listener.Start();
        await using var cluster = TestCluster.Stopped(3);
        for (var number = 1; number <= 3; number++)
            await cluster.StartAsync(number, default, options => options with { Meter = meter });
        var leader = await cluster.LeaderAsync();
        await TestCluster.WaitUntilAsync(() => leader.Node.Health.FailureTolerance == 1);

        measured.Clear();
        listener.RecordObservableInstruments();

        Assert.Equal([KeyValuePair.Create((long)leader.Number, 1L)], measured);
    }

    [Fact]
    public async Task A_member_that_returns_counts_when_it_has_caught_up()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await cluster.LeaderAsync();
        await TestCluster.WaitUntilAsync(() => leader.Node.Health.FailureTolerance == 1);
        var away = cluster.Running.First(node => node != leader).Number;
        await cluster.StopAsync(away);
        await TestCluster.WaitUntilAsync(() => leader.Node.Health.FailureTolerance == 0);
        Assert.Equal(HealthProblemKind.Unreachable, Assert.Single(leader.Node.Health.Problems).Kind);
        for (var i = 0; i < 100; i++)
            Assert.True((await leader.ProposeAsync(i)).IsCommitted);
        await TestCluster.WaitUntilAsync(
            () => leader.Node.Health.Members.Single(member => member.NodeId == new NodeId((ulong)away)).LagEntries == 100);

        await cluster.StartAsync(away, default);

        await TestCluster.WaitUntilAsync(() => leader.Node.Health is { Level: HealthLevel.Healthy, FailureTolerance: 1 });
        Assert.Equal(0, leader.Node.Health.Members.Single(member => member.NodeId == new NodeId((ulong)away)).LagEntries);
    }
}
