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
        var writes = new AcknowledgedWrites(cluster);
        var history = new RegisterHistory(cluster, "register");
        Task[] load =
        [
            .. Enumerable.Range(0, Writers).Select(writer => Task.Run(() => writes.WriteAsync(writer, stop.Token))),
            .. Enumerable.Range(0, 2).Select(client => Task.Run(() => history.WriteAsync(client, stop.Token))),
            .. Enumerable.Range(2, 3).Select(client => Task.Run(() => history.ReadAsync(client, stop.Token))),
        ];

        async Task ReplaceAsync(string step, int number, Action start)
        {
            var before = writes.Count;
            await cluster.StopAsync(number);
            start();
            await cluster.WaitUntilReadyAsync(number);
            await Eventually.IsTrueAsync(() => writes.Count > before + 300, "300 more writes are acknowledged");
            output.WriteLine($"{step} n{number}: {writes.Count - before} writes acknowledged meanwhile");
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
        await Eventually.IsTrueAsync(
            () => cluster.Numbers.All(n => Directory.GetFiles(cluster.DataDirectory(n), "snapshot-*").Length > 0),
            "each member has a snapshot");
        await ReplaceAsync("restarted with its snapshot:", 1, () => cluster.Start(1));

        await stop.CancelAsync();
        await Task.WhenAll(load);
        history.AssertLinearizable();
        await writes.AssertNothingIsLostAsync();
        output.WriteLine($"{writes.Count} writes acknowledged, 0 lost; {history.Count} operations on the register, linearizable");

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
        await writes.AssertNothingIsLostAsync();
    }

    private static string IdentityOf(ServerCluster cluster, int number) => Path.Combine(cluster.DataDirectory(number), "identity");

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
