using System.Runtime.Versioning;
using Quorate.Cli;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// Members are added and removed with etcdctl while the cluster serves; docs/operating/membership.md describes the steps.
/// </summary>
[Collection(ProcessesCollection.Name)]
[UnsupportedOSPlatform("windows")]
public sealed class MembershipProcessTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_cluster_of_one_grows_to_three_and_shrinks_to_two()
    {
        await using var cluster = ServerCluster.CreateStopped(3);
        cluster.Start(1, "--initial-cluster", InitialCluster(cluster, 1));
        await cluster.WaitUntilReadyAsync(1);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "k", "1");

        // The second member begins as a learner: as a voter it would be needed for every write before it runs.
        await AddAsync(cluster, 2);
        Assert.Contains($"unstarted, , {cluster.PeerUrl(2)}, , true", await MembersAsync(cluster, 1), StringComparison.Ordinal);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "k", "2");
        await JoinAsync(cluster, 2);
        await JoinAsync(cluster, 3, isAdded: false);
        await EtcdCtl.OkAsync(cluster.Endpoint(3), "put", "k", "3");
        Assert.Equal("k\n3", await EtcdCtl.OkAsync(cluster.Endpoint(2), "get", "k"));

        // A joined member knows its ids after a restart, whatever its flags say.
        await cluster.StopAsync(2);
        cluster.Start(2);
        await cluster.WaitUntilReadyAsync(2);

        await EtcdCtl.OkAsync(cluster.Endpoint(1), "member", "remove", await IdAsync(cluster, 1, "n3"));
        Assert.Equal(ExitCode.MemberRemoved, await cluster.GetProcess(3).WaitForExitAsync(Limit));
        Assert.Contains("was removed from the cluster", cluster.GetProcess(3).Errors, StringComparison.Ordinal);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "k", "4");
        Assert.DoesNotContain("n3", await MembersAsync(cluster, 2), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_member_states_why_the_leader_refused_a_change()
    {
        await using var cluster = await ServerCluster.StartAsync(3);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "member", "add", "n4", "--learner", "--peer-urls=http://127.0.0.1:1");
        var id = (await MembersAsync(cluster, 1)).Split('\n')
            .Single(line => line.EndsWith(", true", StringComparison.Ordinal)).Split(',')[0];
        foreach (var number in cluster.Numbers)
        {
            var (_, _, errors) = await EtcdCtl.RunAsync(cluster.Endpoint(number), null, "member", "promote", id);
            Assert.Contains("can only promote a learner member which is in sync with leader", errors, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_member_that_was_not_added_is_refused()
    {
        await using var cluster = ServerCluster.CreateStopped(2);
        cluster.Start(1, "--initial-cluster", InitialCluster(cluster, 1));
        await cluster.WaitUntilReadyAsync(1);

        cluster.Start(2, "--initial-cluster-state", "existing");
        Assert.Equal(ExitCode.Failed, await cluster.GetProcess(2).WaitForExitAsync(Limit));
        Assert.Contains("has not been added to cluster", cluster.GetProcess(2).Errors, StringComparison.Ordinal);
        Assert.Contains($"etcdctl member add n2 --peer-urls={cluster.PeerUrl(2)}", cluster.GetProcess(2).Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(cluster.DataDirectory(2)));
    }

    [Fact]
    public async Task A_new_member_needs_the_secret_of_the_cluster()
    {
        await using var cluster = ServerCluster.CreateStopped(2);
        var secret = Path.Combine(cluster.RootDirectory, "secret");
        await File.WriteAllTextAsync(secret, new string('a', 64));
        File.SetUnixFileMode(secret, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        cluster.Start(1, "--initial-cluster", InitialCluster(cluster, 1), "--peer-secret-file", secret);
        await cluster.WaitUntilReadyAsync(1);
        await AddAsync(cluster, 2);

        cluster.Start(2, "--initial-cluster-state", "existing");
        await cluster.GetProcess(2).WaitForLogAsync("the cluster has a peer secret, and this node has none");
        await cluster.KillAsync(2);
        cluster.Start(2, "--initial-cluster-state", "existing", "--peer-secret-file", secret);
        await cluster.WaitUntilReadyAsync(2);
    }

    private static string InitialCluster(ServerCluster cluster, int count) =>
        string.Join(',', Enumerable.Range(1, count).Select(number => $"n{number}={cluster.PeerUrl(number)}"));

    private static Task<string> AddAsync(ServerCluster cluster, int number) =>
        EtcdCtl.OkAsync(cluster.Endpoint(1), "member", "add", $"n{number}", $"--peer-urls={cluster.PeerUrl(number)}");

    /// <summary>Adds a member and starts it with the flags that etcdctl prints; returns when it votes.</summary>
    private static async Task JoinAsync(ServerCluster cluster, int number, bool isAdded = true)
    {
        if (!isAdded)
            await AddAsync(cluster, number);
        cluster.Start(number, "--initial-cluster", InitialCluster(cluster, number), "--initial-cluster-state", "existing");
        await cluster.WaitUntilReadyAsync(number);
        var line = $"started, n{number}, {cluster.PeerUrl(number)}, http://{cluster.Endpoint(number)}, false";
        await Eventually.IsTrueAsync(
            async () => (await MembersAsync(cluster, 1)).Contains(line, StringComparison.Ordinal), $"member {number} votes");
    }

    private static async Task<string> MembersAsync(ServerCluster cluster, int number)
    {
        await using var members = TestProcess.StartQuorate("members", "--endpoints", cluster.Endpoint(number), "--timeout", "30s");
        Assert.Equal(ExitCode.Ok, await members.WaitForExitAsync(Limit));
        return members.Output;
    }

    private static async Task<string> IdAsync(ServerCluster cluster, int number, string name) =>
        (await MembersAsync(cluster, number)).Split('\n')
            .Single(line => line.Contains($", {name}, ", StringComparison.Ordinal)).Split(',')[0];
}
