using Quorate.Node.Versions;

namespace Quorate.Node.Tests.Integration;

/// <summary>
/// docs/operating/upgrade.md, in one process: members that support version 0.1 only stand for builds of that version.
/// </summary>
public sealed class UpgradeTests
{
    private const int SnapshotEntries = 20;

    /// <summary>
    /// While one member supports 0.1 only, no member takes a snapshot, drops its log or leaves the identity format of 0.1, so that every
    /// member can be started with the old build again. With the last member, the version rises, and snapshots are taken.
    /// </summary>
    [Fact]
    public async Task A_rolling_upgrade_raises_the_version_with_the_last_member()
    {
        await using var cluster = TestCluster.Stopped(3, takesSnapshots: true);
        for (var number = 1; number <= 3; number++)
            await cluster.StartAsync(number, default, Old);
        await ProposeAsync(cluster, 0, 60);

        foreach (var (number, count) in new[] { (1, 60), (2, 120), (3, 180) })
        {
            foreach (var other in new[] { 1, 2, 3 })
                AssertOld(cluster, other);
            await RestartAsync(cluster, number, New);
            await ProposeAsync(cluster, count, 60);
        }

        await TestCluster.WaitUntilAsync(() => cluster.Running.All(n => n.Node.Status.ClusterVersion == new ClusterVersion(0, 2)));
        await ProposeAsync(cluster, 240, 60);
        await TestCluster.WaitUntilAsync(() => Enumerable.Range(1, 3).All(n => Snapshots(cluster, n).Length > 0));
        foreach (var number in new[] { 1, 2, 3 })
        {
            Assert.StartsWith("quorate identity 2\n", Identity(cluster, number), StringComparison.Ordinal);
            await RestartAsync(cluster, number, New);
            await TestCluster.WaitUntilAsync(() => cluster[number].StateMachine.Numbers.Length == 300);
            Assert.Equal(Enumerable.Range(0, 300).Select(static i => (long)i), cluster[number].StateMachine.Numbers);
        }

        await cluster.StopAsync(1);
        var identity = Identity(cluster, 1);
        await Assert.ThrowsAsync<StorageVersionException>(() => cluster.StartAsync(1, default, Old));
        Assert.Equal(identity, Identity(cluster, 1));
    }

    [Fact]
    public async Task Members_go_back_to_the_old_version_while_one_member_has_it()
    {
        await using var cluster = TestCluster.Stopped(3, takesSnapshots: true);
        for (var number = 1; number <= 3; number++)
            await cluster.StartAsync(number, default, Old);
        await ProposeAsync(cluster, 0, 60);
        await RestartAsync(cluster, 1, New);
        await RestartAsync(cluster, 2, New);
        await ProposeAsync(cluster, 60, 60);

        await RestartAsync(cluster, 1, Old);
        await ProposeAsync(cluster, 120, 60);
        await RestartAsync(cluster, 2, Old);
        await ProposeAsync(cluster, 180, 60);

        foreach (var number in new[] { 1, 2, 3 })
        {
            AssertOld(cluster, number);
            await TestCluster.WaitUntilAsync(() => cluster[number].StateMachine.Numbers.Length == 240);
        }
    }

    private static RaftNodeOptions Old(RaftNodeOptions options) => New(options) with { ClusterVersionMax = ClusterVersion.Oldest };

    private static RaftNodeOptions New(RaftNodeOptions options) => options with { SnapshotLogEntries = SnapshotEntries };

    private static async Task RestartAsync(TestCluster cluster, int number, Func<RaftNodeOptions, RaftNodeOptions> configure)
    {
        await cluster.StopAsync(number);
        await cluster.StartAsync(number, default, configure);
        await cluster.LeaderAsync();
    }

    /// <summary>Commits numbers one after another; one whose outcome is not known is looked for before it is proposed again.</summary>
    private static async Task ProposeAsync(TestCluster cluster, int first, int count)
    {
        for (long number = first; number < first + count; number++)
        {
            var leader = await cluster.LeaderAsync();
            while ((await leader.ProposeAsync(number)).Outcome != ProposalOutcome.Committed)
            {
                leader = await cluster.LeaderAsync();
                await leader.Node.ReadBarrierAsync();
                if (leader.StateMachine.Numbers.Contains(number))
                    break;
            }
        }
    }

    private static void AssertOld(TestCluster cluster, int number)
    {
        Assert.StartsWith("quorate identity 1\n", Identity(cluster, number), StringComparison.Ordinal);
        Assert.Empty(Snapshots(cluster, number));
        Assert.Equal(ClusterVersion.Oldest, cluster[number].Node.Status.ClusterVersion);
    }

    private static string Identity(TestCluster cluster, int number) =>
        File.ReadAllText(Path.Combine(cluster.DataDirectory(number), "identity"));

    private static string[] Snapshots(TestCluster cluster, int number) =>
        Directory.GetFiles(cluster.DataDirectory(number), "snapshot-*");
}
