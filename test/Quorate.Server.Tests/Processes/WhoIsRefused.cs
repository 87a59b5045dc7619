using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>A member with another's memory, or another cluster's id, would make two histories out of one: it is refused, and told why.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class WhoIsRefused
{
    [Fact]
    public async Task A_member_with_another_clusters_data()
    {
        await using var cluster = ServerCluster.Stopped(1);
        await StartOnceAsync(cluster, 1);
        await using var other = ServerCluster.Stopped(1);

        var said = await RefusedAsync([.. other.Flags(1), "--data-dir", cluster.DataFolder(1)]);

        Assert.Contains($"--data-dir {cluster.DataFolder(1)} belongs to another member", said, StringComparison.Ordinal);
        Assert.Contains(cluster.PeerUrl(1), said, StringComparison.Ordinal);
        Assert.Contains("or name another folder", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_with_the_data_of_another_member_of_its_own_cluster()
    {
        await using var cluster = ServerCluster.Stopped(3);
        await StartOnceAsync(cluster, 1);

        var said = await RefusedAsync([.. cluster.Flags(2), "--data-dir", cluster.DataFolder(1)]);

        Assert.Contains($"--data-dir {cluster.DataFolder(1)} belongs to another member", said, StringComparison.Ordinal);
        Assert.Contains("it is n1 ", said, StringComparison.Ordinal);
        Assert.Contains("describes n2 ", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_process_on_a_folder_that_is_in_use()
    {
        await using var cluster = await ServerCluster.StartAsync(1);
        await using var other = ServerCluster.Stopped(1);
        string[] otherPorts = ["--listen-client-urls", $"http://{other.Endpoint(1)}", "--listen-peer-urls", other.PeerUrl(1)];

        var said = await RefusedAsync([.. cluster.Flags(1), .. otherPorts]);

        Assert.Contains($"--data-dir {cluster.DataFolder(1)} cannot be used", said, StringComparison.Ordinal);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "still", "there");
    }

    /// <summary>The token, or one member more in the list, makes another cluster id: the members that run do not let it in, and both sides say so.</summary>
    [Theory]
    [InlineData("token")]
    [InlineData("members")]
    public async Task A_member_that_was_told_of_another_cluster_is_not_let_in(string difference)
    {
        await using var cluster = ServerCluster.Stopped(3);
        cluster.Start(1);
        cluster.Start(2);
        await cluster.UntilReadyAsync(1);
        await cluster.UntilReadyAsync(2);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "k", "v");

        var members = string.Join(',', cluster.Numbers.Select(n => $"n{n}={cluster.PeerUrl(n)}"));
        if (difference == "token")
            cluster.Start(3, "--initial-cluster-token", "another");
        else
            cluster.Start(3, "--initial-cluster", members + ",n4=http://127.0.0.1:1");

        await cluster.Program(3).UntilItSaysAsync("One of the two was started with another cluster's configuration or data");
        await cluster.Program(1).UntilItSaysAsync("it belongs to cluster");
        Assert.Contains("warn: quorate", cluster.Program(3).Errors, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RpcException>(async () =>
            await cluster.Kv(3).PutAsync(new PutRequest { Key = "k".ToByteString() }, deadline: DateTime.UtcNow.AddSeconds(1)));
        Assert.Empty((await cluster.ContentsAsync(3)).Kvs);

        // The right flags and an empty folder are all it needs.
        await cluster.KillAsync(3);
        Directory.Delete(cluster.DataFolder(3), recursive: true);
        cluster.Start(3);
        await cluster.UntilReadyAsync(3);
        Assert.Equal("k\nv", await EtcdCtl.OkAsync(cluster.Endpoint(3), "get", "k"));
    }

    /// <summary>
    /// A disk is replaced and the member started as before, with the flags of the first start: it has forgotten what it voted and acknowledged, and must not
    /// speak under its old id. The others go on, and with its own folder it is welcome.
    /// </summary>
    [Fact]
    public async Task A_member_that_comes_back_with_an_empty_folder()
    {
        await using var cluster = await ServerCluster.StartAsync(3);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "k", "v");
        var leader = await cluster.UntilLeaderAsync();
        var lost = leader == 3 ? 2 : 3;
        await cluster.KillAsync(lost);
        Directory.Move(cluster.DataFolder(lost), cluster.DataFolder(lost) + ".aside");

        cluster.Start(lost);
        await cluster.Program(lost).UntilItSaysAsync("with another data folder than the one it has now");
        await cluster.Program(leader).UntilItSaysAsync("it must not vote again under its old id");
        Assert.Contains("add it anew, as a member with another id", cluster.Program(lost).Errors, StringComparison.Ordinal);
        Assert.Empty((await cluster.ContentsAsync(lost)).Kvs);
        await EtcdCtl.OkAsync(cluster.Endpoint(leader), "put", "k2", "v2");

        await cluster.KillAsync(lost);
        Directory.Delete(cluster.DataFolder(lost), recursive: true);
        Directory.Move(cluster.DataFolder(lost) + ".aside", cluster.DataFolder(lost));
        cluster.Start(lost);
        await cluster.UntilReadyAsync(lost);
        Assert.Equal("k\nv\nk2\nv2", await EtcdCtl.OkAsync(cluster.Endpoint(lost), "get", "k", "--prefix"));
    }

    /// <summary>Leaves a data folder as a first start leaves it.</summary>
    private static async Task StartOnceAsync(ServerCluster cluster, int number)
    {
        cluster.Start(number);
        await cluster.Program(number).UntilItSaysAsync("ready to serve");
        await cluster.KillAsync(number);
    }

    private static async Task<string> RefusedAsync(params string[] flags)
    {
        await using var member = RunningProgram.Quorate(["server", .. flags]);
        Assert.Equal(ExitCode.Failed, await member.ExitAsync(TimeSpan.FromSeconds(30)));
        Assert.Empty(member.Output);
        return member.Errors;
    }
}
