using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using Grpc.Core;
using Quorate.Cli;
using Quorate.Node.Versions;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// A member with another member's data, or with another cluster id, would fork the history: it is rejected, with the reason.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class MemberIdentityTests
{
    [Fact]
    public async Task A_member_with_data_of_another_cluster_is_rejected()
    {
        await using var cluster = ServerCluster.CreateStopped(1);
        await StartOnceAsync(cluster, 1);
        await using var other = ServerCluster.CreateStopped(1);

        var errors = await StartAndExpectErrorAsync([.. other.Flags(1), "--data-dir", cluster.DataDirectory(1)]);

        Assert.Contains($"--data-dir {cluster.DataDirectory(1)} belongs to another member", errors, StringComparison.Ordinal);
        Assert.Contains(cluster.PeerUrl(1), errors, StringComparison.Ordinal);
        Assert.Contains("or set --data-dir to another directory", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_member_with_data_of_another_member_is_rejected()
    {
        await using var cluster = ServerCluster.CreateStopped(3);
        await StartOnceAsync(cluster, 1);

        var errors = await StartAndExpectErrorAsync([.. cluster.Flags(2), "--data-dir", cluster.DataDirectory(1)]);

        Assert.Contains($"--data-dir {cluster.DataDirectory(1)} belongs to another member", errors, StringComparison.Ordinal);
        Assert.Contains("it is n1 ", errors, StringComparison.Ordinal);
        Assert.Contains("describes n2 ", errors, StringComparison.Ordinal);
    }

    /// <summary>docs/operating/upgrade.md: a build that is older than the data directory must not touch it.</summary>
    [Fact]
    public async Task A_data_directory_of_a_newer_version_is_refused_with_5_and_not_changed()
    {
        await using var cluster = ServerCluster.CreateStopped(1);
        await StartOnceAsync(cluster, 1);
        var identity = Path.Combine(cluster.DataDirectory(1), "identity");
        var text = (await File.ReadAllTextAsync(identity))[..^16];
        var newer = new ClusterVersion(ClusterVersion.Current.Major, (ushort)(ClusterVersion.Current.Minor + 1));
        var body = Encoding.UTF8.GetBytes(
            text.Replace($"version {ClusterVersion.Current} ", $"version {newer} ", StringComparison.Ordinal));
        var checksum = ~body.Aggregate(~0u, BitOperations.Crc32C);
        await File.WriteAllBytesAsync(identity, [.. body, .. Encoding.ASCII.GetBytes($"crc32c {checksum:x8}\n")]);
        var before = ReadAll(cluster.DataDirectory(1));

        var errors = await StartAndExpectErrorAsync(ExitCode.NewerData, cluster.Flags(1));

        Assert.Contains($"--data-dir {cluster.DataDirectory(1)} was written by a newer version", errors, StringComparison.Ordinal);
        Assert.Contains($"has version {newer}", errors, StringComparison.Ordinal);
        Assert.Contains("start the build that wrote it, or a newer one", errors, StringComparison.Ordinal);
        Assert.Equal(before, ReadAll(cluster.DataDirectory(1)));
    }

    [Fact]
    public async Task A_second_process_on_the_same_data_directory_is_rejected()
    {
        await using var cluster = await ServerCluster.StartAsync(1);
        await using var other = ServerCluster.CreateStopped(1);
        string[] otherPorts = ["--listen-client-urls", $"http://{other.Endpoint(1)}", "--listen-peer-urls", other.PeerUrl(1)];

        var errors = await StartAndExpectErrorAsync([.. cluster.Flags(1), .. otherPorts]);

        Assert.Contains($"--data-dir {cluster.DataDirectory(1)} cannot be used", errors, StringComparison.Ordinal);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "still", "there");
    }

    /// <summary>
    /// Another token, or an additional member in the list, makes another cluster id: the running members reject it, and both sides log why.
    /// </summary>
    [Theory]
    [InlineData("token")]
    [InlineData("members")]
    public async Task A_member_with_another_cluster_id_is_rejected_by_its_peers(string difference)
    {
        await using var cluster = ServerCluster.CreateStopped(3);
        cluster.Start(1);
        cluster.Start(2);
        await cluster.WaitUntilReadyAsync(1);
        await cluster.WaitUntilReadyAsync(2);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "k", "v");

        var members = string.Join(',', cluster.Numbers.Select(n => $"n{n}={cluster.PeerUrl(n)}"));
        if (difference == "token")
            cluster.Start(3, "--initial-cluster-token", "another");
        else
            cluster.Start(3, "--initial-cluster", members + ",n4=http://127.0.0.1:1");

        await cluster.GetProcess(3).WaitForLogAsync("One of the two was started with the configuration or the data of another cluster");
        await cluster.GetProcess(1).WaitForLogAsync("it belongs to cluster");
        Assert.Contains("warn: Quorate.Node", cluster.GetProcess(3).Errors, StringComparison.Ordinal);
        await Assert.ThrowsAsync<RpcException>(async () =>
            await cluster.Kv(3).PutAsync(new PutRequest { Key = "k".ToByteString() }, deadline: DateTime.UtcNow.AddSeconds(1)));
        Assert.Empty((await cluster.ReadAllAsync(3)).Kvs);

        // With the right flags and an empty directory it joins.
        await cluster.KillAsync(3);
        Directory.Delete(cluster.DataDirectory(3), recursive: true);
        cluster.Start(3);
        await cluster.WaitUntilReadyAsync(3);
        Assert.Equal("k\nv", await EtcdCtl.OkAsync(cluster.Endpoint(3), "get", "k"));
    }

    /// <summary>
    /// A disk is replaced and the member started as before, with the flags of the first start: it has lost its votes and acknowledgements,
    /// and must not act under its old id. The others continue, and with its own data directory it is accepted again.
    /// </summary>
    [Fact]
    public async Task A_member_that_returns_with_an_empty_data_directory_is_rejected()
    {
        await using var cluster = await ServerCluster.StartAsync(3);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "k", "v");
        var leader = await cluster.WaitForLeaderAsync();
        var lost = leader == 3 ? 2 : 3;
        await cluster.KillAsync(lost);
        Directory.Move(cluster.DataDirectory(lost), cluster.DataDirectory(lost) + ".aside");

        cluster.Start(lost);
        await cluster.GetProcess(lost).WaitForLogAsync("with another data directory than the present one");
        await cluster.GetProcess(leader).WaitForLogAsync("it must not vote again under its old id");
        Assert.Contains("add it again, as a member with another id", cluster.GetProcess(lost).Errors, StringComparison.Ordinal);
        Assert.Empty((await cluster.ReadAllAsync(lost)).Kvs);
        await EtcdCtl.OkAsync(cluster.Endpoint(leader), "put", "k2", "v2");

        await cluster.KillAsync(lost);
        Directory.Delete(cluster.DataDirectory(lost), recursive: true);
        Directory.Move(cluster.DataDirectory(lost) + ".aside", cluster.DataDirectory(lost));
        cluster.Start(lost);
        await cluster.WaitUntilReadyAsync(lost);
        Assert.Equal("k\nv\nk2\nv2", await EtcdCtl.OkAsync(cluster.Endpoint(lost), "get", "k", "--prefix"));
    }

    /// <summary>Creates a data directory as a first start leaves it.</summary>
    private static async Task StartOnceAsync(ServerCluster cluster, int number)
    {
        cluster.Start(number);
        await cluster.GetProcess(number).WaitForLogAsync("ready to serve");
        await cluster.KillAsync(number);
    }

    private static List<(string Name, string Bytes, DateTime Written)> ReadAll(string directory) =>
    [
        .. Directory.GetFiles(directory).Order(StringComparer.Ordinal).Select(static file =>
            (file, Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file))), File.GetLastWriteTimeUtc(file))),
    ];

    private static Task<string> StartAndExpectErrorAsync(params string[] flags) => StartAndExpectErrorAsync(ExitCode.Failed, flags);

    private static async Task<string> StartAndExpectErrorAsync(int exitCode, string[] flags)
    {
        await using var member = TestProcess.StartQuorate(["server", .. flags]);
        Assert.Equal(exitCode, await member.WaitForExitAsync(TimeSpan.FromSeconds(30)));
        Assert.Empty(member.Output);
        return member.Errors;
    }
}
