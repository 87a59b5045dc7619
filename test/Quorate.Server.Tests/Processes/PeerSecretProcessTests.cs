using System.Runtime.Versioning;
using Quorate.Cli;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// The flag <c>--peer-secret-file</c>: a cluster with a secret serves, replaces its key, and accepts no member without it.
/// </summary>
[Collection(ProcessesCollection.Name)]
[UnsupportedOSPlatform("windows")]
public sealed class PeerSecretProcessTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    private string[] Flags => ["--peer-secret-file", _file];

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task A_member_without_the_secret_is_rejected_and_both_sides_log_why()
    {
        WriteKeys("first");
        await using var cluster = await ServerCluster.StartAsync(3, Flags);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "k", "v");
        await cluster.KillAsync(3);
        cluster.Start(3, "--peer-secret-file=");
        await cluster.GetProcess(3).WaitForLogAsync("has a peer secret, and this node n3 has none");
        await cluster.GetProcess(1).WaitForLogAsync("claims to be node n3: this node n1 has a peer secret, and that one has none");
        await cluster.KillAsync(3);
        cluster.Start(3);
        await cluster.WaitUntilReadyAsync(3);
        Assert.Equal("k\nv", await EtcdCtl.OkAsync(cluster.Endpoint(3), "get", "k"));
        foreach (var number in cluster.Numbers)
            Assert.DoesNotContain("first", cluster.GetProcess(number).Errors, StringComparison.Ordinal);
    }

    /// <summary>docs/operating/running.md, step by step: one member after the other is restarted with the next file.</summary>
    [Fact]
    public async Task A_key_is_replaced_while_the_cluster_serves()
    {
        WriteKeys("first");
        await using var cluster = await ServerCluster.StartAsync(3, Flags);
        var writes = 0;
        foreach (var keys in new string[][] { ["first", "second"], ["second", "first"], ["second"] })
        {
            WriteKeys(keys);
            foreach (var number in cluster.Numbers)
            {
                await cluster.KillAsync(number);
                await EtcdCtl.OkAsync(cluster.Endpoint(number % 3 + 1), "put", $"k{++writes}", "v");
                cluster.Start(number);
                await cluster.WaitUntilReadyAsync(number);
                await EtcdCtl.OkAsync(cluster.Endpoint(number), "put", $"k{++writes}", "v");
            }
        }
    }

    [Theory]
    [InlineData("too short", UnixFileMode.UserRead, "key 1 has 9 bytes; it must have at least 32")]
    [InlineData("a key that is long enough, but everybody can read it", UnixFileMode.UserRead | UnixFileMode.OtherRead, "chmod 600")]
    public async Task A_short_or_public_secret_is_refused_before_anything_is_written(string key, UnixFileMode mode, string expected)
    {
        File.WriteAllText(_file, key);
        File.SetUnixFileMode(_file, mode);
        await using var cluster = ServerCluster.CreateStopped(1, Flags);
        await using var member = TestProcess.StartQuorate(["server", .. cluster.Flags(1)]);
        Assert.Equal(ExitCode.Failed, await member.WaitForExitAsync(TimeSpan.FromSeconds(30)));
        Assert.Contains($"--peer-secret-file {_file} cannot be used", member.Errors, StringComparison.Ordinal);
        Assert.Contains(expected, member.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain(key, member.Errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(cluster.DataDirectory(1)));
    }

    [Fact]
    public async Task A_peer_port_that_is_open_to_the_network_is_warned_about_without_a_secret()
    {
        WriteKeys("first");
        await using var cluster = ServerCluster.CreateStopped(3);
        var listen = cluster.PeerUrl(1).Replace("127.0.0.1", "0.0.0.0", StringComparison.Ordinal);
        cluster.Start(1, "--listen-peer-urls", listen);
        await cluster.GetProcess(1).WaitForLogAsync("is open to the network without a secret");
        cluster.Start(2);
        await cluster.GetProcess(2).WaitForLogAsync("ready to serve");
        Assert.DoesNotContain("without a secret", cluster.GetProcess(2).Errors, StringComparison.Ordinal);
        await cluster.KillAsync(1);
        cluster.Start(1, ["--listen-peer-urls", listen, .. Flags]);
        await cluster.GetProcess(1).WaitForLogAsync("ready to serve");
        Assert.DoesNotContain("without a secret", cluster.GetProcess(1).Errors, StringComparison.Ordinal);
    }

    private void WriteKeys(params string[] names)
    {
        File.WriteAllLines(_file, names.Select(static name => $"{name} key, long enough for a secret of a cluster"));
        File.SetUnixFileMode(_file, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
