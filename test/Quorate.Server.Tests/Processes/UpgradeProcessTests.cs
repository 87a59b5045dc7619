using System.Collections.Concurrent;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// docs/operating/upgrade.md with real builds: three processes of version 0.1, built from git, are upgraded one at a time under load, go
/// back, and are upgraded for good.
/// </summary>
/// <remarks>
/// It builds an old commit, so it runs on request only: <c>dotnet test -c Release --project test/Quorate.Server.Tests --explicit only
/// --filter-class *UpgradeProcessTests</c>. <c>QUORATE_UPGRADE_FROM</c> names a quorate.dll of the old version that is built already.
/// </remarks>
[Collection(ProcessesCollection.Name)]
public sealed class UpgradeProcessTests(ITestOutputHelper output)
{
    /// <summary>The last commit without snapshots: version 0.1.</summary>
    private const string OldCommit = "c619d19";

    private const int Writers = 8;

    [Fact(Explicit = true)]
    [Trait("Run", "OnRequest")]
    public async Task A_cluster_is_upgraded_and_goes_back_member_by_member_under_load()
    {
        using var build = new TemporaryDirectory();
        var old = Environment.GetEnvironmentVariable("QUORATE_UPGRADE_FROM") ?? await BuildOldAsync(build.Path);
        await using var cluster = ServerCluster.CreateStopped(3, "--snapshot-count=200");
        foreach (var number in cluster.Numbers)
            cluster.StartBuild(old, number);
        foreach (var number in cluster.Numbers)
            await cluster.WaitUntilReadyAsync(number);

        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var history = new RegisterHistory(cluster, "register");
        Task[] load =
        [
            .. Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(cluster, writer, acknowledged, stop.Token))),
            .. Enumerable.Range(0, 2).Select(client => Task.Run(() => history.WriteAsync(client, stop.Token))),
            .. Enumerable.Range(2, 3).Select(client => Task.Run(() => history.ReadAsync(client, stop.Token))),
        ];

        async Task ReplaceAsync(string step, int number, Action start)
        {
            var before = acknowledged.Count;
            await cluster.StopAsync(number);
            start();
            await cluster.WaitUntilReadyAsync(number);
            await WaitUntilAsync(() => acknowledged.Count > before + 300);
            output.WriteLine($"{step} n{number}: {acknowledged.Count - before} writes acknowledged meanwhile");
        }

        foreach (var number in cluster.Numbers)
            await ReplaceAsync("upgraded, limited to 0.1:", number, () => cluster.Start(number, "--max-cluster-version=0.1"));
        foreach (var number in cluster.Numbers)
            Assert.Empty(Directory.GetFiles(cluster.DataDirectory(number), "snapshot-*"));
        foreach (var number in cluster.Numbers)
            await ReplaceAsync("back to the old build:", number, () => cluster.StartBuild(old, number));
        foreach (var number in cluster.Numbers)
        {
            Assert.Contains("quorate identity 1\n", await File.ReadAllTextAsync(IdentityOf(cluster, number)), StringComparison.Ordinal);
            await ReplaceAsync("upgraded:", number, () => cluster.Start(number));
        }

        foreach (var number in cluster.Numbers)
            await cluster.GetProcess(number).WaitForLogAsync("the version of the cluster has changed from 0.1 to 0.2");
        await WaitUntilAsync(() => cluster.Numbers.All(n => Directory.GetFiles(cluster.DataDirectory(n), "snapshot-*").Length > 0));
        await ReplaceAsync("restarted with its snapshot:", 1, () => cluster.Start(1));

        await stop.CancelAsync();
        await Task.WhenAll(load);
        history.AssertLinearizable();
        await AssertNothingIsLostAsync(cluster, acknowledged);
        output.WriteLine($"{acknowledged.Count} writes acknowledged, 0 lost; {history.Count} operations on the register, linearizable");

        // The old build refuses what the new one has written, and leaves it as it is.
        await cluster.StopAsync(2);
        var identity = await File.ReadAllTextAsync(IdentityOf(cluster, 2));
        cluster.StartBuild(old, 2);
        Assert.Equal(2, await cluster.GetProcess(2).WaitForExitAsync(TimeSpan.FromSeconds(30)));
        Assert.Contains("identity has format 2; this build reads format 1", cluster.GetProcess(2).Errors, StringComparison.Ordinal);
        Assert.Equal(identity, await File.ReadAllTextAsync(IdentityOf(cluster, 2)));
        await cluster.KillAsync(2);
        cluster.Start(2);
        await cluster.WaitUntilReadyAsync(2);
        await AssertNothingIsLostAsync(cluster, acknowledged);
    }

    private static string IdentityOf(ServerCluster cluster, int number) => Path.Combine(cluster.DataDirectory(number), "identity");

    private static async Task WriteAsync(
        ServerCluster cluster, int writer, ConcurrentDictionary<string, string> acknowledged, CancellationToken stop)
    {
        var at = writer % cluster.Size;
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var (key, value) = ($"w{writer:00}/{i:000000}", $"{writer}-{i}-{Guid.NewGuid():n}");
            try
            {
                await cluster.Kv(at + 1).PutAsync(
                    new PutRequest { Key = key.ToByteString(), Value = value.ToByteString() }, deadline: DateTime.UtcNow.AddSeconds(3),
                    cancellationToken: CancellationToken.None);
                acknowledged[key] = value;
            }
            catch (RpcException)
            {
                at = (at + 1) % cluster.Size;
                await Task.Delay(10, CancellationToken.None);
            }
        }
    }

    /// <summary>Every acknowledged write is on every member, and the hashes of all members are equal.</summary>
    private static async Task AssertNothingIsLostAsync(ServerCluster cluster, ConcurrentDictionary<string, string> acknowledged)
    {
        var revision = (await cluster.Kv(1).RangeAsync(new RangeRequest { Key = "k".ToByteString() })).Header.Revision;
        var hashes = new List<uint>();
        foreach (var number in cluster.Numbers)
        {
            // A linearizable read first, so that the member has applied everything.
            await cluster.Kv(number).RangeAsync(new RangeRequest { Key = "k".ToByteString() });
            var held = (await cluster.ReadAllAsync(number)).Kvs.ToDictionary(
                static kv => kv.Key.ToStringUtf8(), static kv => kv.Value.ToStringUtf8(), StringComparer.Ordinal);
            Assert.DoesNotContain(acknowledged, write => !held.TryGetValue(write.Key, out var value) || value != write.Value);
            hashes.Add((await cluster.Maintenance(number).HashKVAsync(new HashKVRequest { Revision = revision })).Hash);
        }

        Assert.Single(hashes.Distinct());
    }

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + 120_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "the condition did not become true before the timeout");
            await Task.Delay(20);
        }
    }

    private static async Task<string> BuildOldAsync(string directory)
    {
        await RunAsync("sh", "-c", $"git -C '{ServerFixture.RepositoryRoot}' archive {OldCommit} | tar -x -C '{directory}'");
        await RunAsync("dotnet", "build", "-c", "Release", Path.Combine(directory, "src", "Quorate.Cli"));
        return Path.Combine(directory, "artifacts", "bin", "Quorate.Cli", "release", "quorate.dll");
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        await using var process = TestProcess.Start(program, arguments);
        Assert.True(await process.WaitForExitAsync(TimeSpan.FromMinutes(10)) == 0, process.Output + process.Errors);
    }
}
