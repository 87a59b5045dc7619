using System.Globalization;
using System.Text.Json;
using Quorate.Cli;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary><c>quorate health</c> on real processes: what it states is true when members are killed.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class HealthCommandTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_stated_failure_tolerance_is_true_while_members_are_killed()
    {
        await using var cluster = await ServerCluster.StartAsync(3);
        await WaitForToleranceAsync(cluster, 1);
        var (exitCode, output) = await RunAsync(cluster.AllEndpoints);
        Assert.Equal(ExitCode.Ok, exitCode);
        Assert.StartsWith("Healthy: 3 of 3 voters are healthy; 1 more may fail.\nMEMBER", output, StringComparison.Ordinal);

        var leader = await cluster.WaitForLeaderAsync();
        var victim = cluster.Numbers.First(number => number != leader);
        await cluster.KillAsync(victim);
        await WaitForToleranceAsync(cluster, 0);
        (exitCode, output) = await RunAsync(cluster.AllEndpoints);
        Assert.Equal(ExitCode.Failed, exitCode);
        Assert.StartsWith($"Degraded: n{victim} is ", output, StringComparison.Ordinal);
        Assert.Contains("2 of 3 voters are healthy; no more may fail.", output, StringComparison.Ordinal);
        await cluster.WaitUntilReadyAsync(leader);

        var survivor = cluster.Numbers.First(number => number != leader && number != victim);
        await cluster.KillAsync(leader);
        await Eventually.IsTrueAsync(
            async () => !(await AskAsync(cluster.Endpoint(survivor))).GetProperty("hasQuorum").GetBoolean(), "the quorum is lost");
        (exitCode, output) = await RunAsync(cluster.AllEndpoints);
        Assert.Equal(ExitCode.Unreachable, exitCode);
        Assert.StartsWith($"Critical, seen from n{survivor}: no leader is known for ", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_follower_that_is_asked_leads_to_the_leader()
    {
        await using var cluster = await ServerCluster.StartAsync(3);
        await WaitForToleranceAsync(cluster, 1);
        var follower = cluster.Numbers.First(number => number != cluster.GetLeaderAsync().Result);

        var ofFollower = await AskAsync(cluster.Endpoint(follower));
        var (exitCode, output) = await RunAsync(cluster.Endpoint(follower), "-w", "json");
        using var printed = JsonDocument.Parse(output);

        Assert.False(ofFollower.GetProperty("isLeaderView").GetBoolean());
        Assert.Equal(JsonValueKind.Null, ofFollower.GetProperty("failureTolerance").ValueKind);
        Assert.Equal(
            (ExitCode.Ok, true, 1),
            (exitCode, printed.RootElement.GetProperty("isLeaderView").GetBoolean(),
                printed.RootElement.GetProperty("failureTolerance").GetInt32()));
    }

    /// <summary>Reads need no disk. A cluster that answers them and commits nothing must not count as ready (NATS #8519).</summary>
    [Fact]
    public async Task A_cluster_that_commits_nothing_is_not_ready_although_it_serves_reads()
    {
        await using var cluster = ServerCluster.CreateStopped(1, "--heartbeat-interval=20", "--election-timeout=200");
        cluster.StartWithFlushDelay(1);
        await cluster.WaitUntilReadyAsync(1);
        using var http = new HttpClient();
        var readiness = new Uri($"http://{cluster.Endpoint(1)}/readyz");
        cluster.DelayFlushes(1, TimeSpan.FromMinutes(10));
        _ = cluster.Kv(1).PutAsync(new PutRequest { Key = "key"u8.ToByteString() }).ResponseAsync.ContinueWith(
            static call => call.Exception, TaskScheduler.Default);

        await Eventually.IsTrueAsync(
            async () =>
            {
                using var response = await http.GetAsync(readiness);
                var text = await response.Content.ReadAsStringAsync();
                return text.Contains("[-]commit_progress failed: the commit index has not moved for ", StringComparison.Ordinal)
                    && text.Contains("[+]linearizable_read ok", StringComparison.Ordinal)
                    && text.Contains("the disk of n1 completes no write", StringComparison.Ordinal);
            },
            "the member is not ready");

        Assert.Equal(ExitCode.Unreachable, (await RunAsync(cluster.Endpoint(1))).ExitCode);
    }

    [Fact]
    public async Task Without_a_server_the_exit_code_is_3()
    {
        await using var process = TestProcess.StartQuorate("health", "--endpoints", "127.0.0.1:1");

        Assert.Equal(ExitCode.Unreachable, await process.WaitForExitAsync(Limit));
        Assert.Contains("127.0.0.1:1 does not respond", process.Errors, StringComparison.Ordinal);
    }

    /// <summary>Waits until the leader states a tolerance: a connection that was just made, or closed, is not noticed at once.</summary>
    private static Task WaitForToleranceAsync(ServerCluster cluster, int tolerance) => Eventually.IsTrueAsync(
        async () =>
        {
            var leader = await cluster.WaitForLeaderAsync();
            return (await AskAsync(cluster.Endpoint(leader))).GetProperty("failureTolerance") is { ValueKind: JsonValueKind.Number } stated
                && stated.GetInt32() == tolerance;
        },
        string.Create(CultureInfo.InvariantCulture, $"the leader states the tolerance {tolerance}"));

    private static async Task<JsonElement> AskAsync(string endpoint)
    {
        using var http = new HttpClient();
        using var json = JsonDocument.Parse(await http.GetStringAsync(new Uri($"http://{endpoint}/quorate/health")));
        return json.RootElement.Clone();
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(string endpoints, params string[] arguments)
    {
        await using var process = TestProcess.StartQuorate(["health", "--endpoints", endpoints, .. arguments]);
        return (await process.WaitForExitAsync(Limit), process.Output);
    }
}
