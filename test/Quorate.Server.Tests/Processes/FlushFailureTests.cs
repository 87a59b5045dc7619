using Quorate.Cli;
using System.Collections.Concurrent;
using System.Globalization;
using Grpc.Core;
using Quorate.Server.Protos;
using Quorate.Server.Settings;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// The operating system reports a failed flush once, and the next flush succeeds (fsyncgate): the process exits at once, acknowledges
/// nothing after the failure, and no acknowledged write is lost.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class FlushFailureTests(ITestOutputHelper output)
{
    /// <summary>Enough flushes for a member to start, become leader and be under load before one fails.</summary>
    private const int FailingFlushNumber = 200;

    /// <summary>
    /// With one writer, the failing flush is that of a write begun after every acknowledgement: comparing the times needs no tolerance.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public async Task A_single_member_exits_within_a_second_of_a_failed_flush(int writers)
    {
        await using var cluster = ServerCluster.CreateStopped(1);
        var trace = Path.Combine(cluster.RootDirectory, "trace.txt");
        cluster.StartWithFailingFlush(1, FailingFlushNumber, trace);
        await cluster.WaitUntilReadyAsync(1);

        var acknowledged = await WriteUntilExitAsync(cluster, 1, writers);
        var failed = await AssertExitedAtOnceAsync(cluster, 1, trace);

        var late = writers == 1 ? failed : failed + ResponseDelayMax;
        Assert.DoesNotContain(acknowledged, write => write.Received > late);
        await AssertAllPresentAfterRestartAsync(cluster, 1, acknowledged);
    }

    [Fact]
    public async Task A_leader_with_a_failed_flush_exits_without_losing_acknowledged_writes()
    {
        await using var cluster = ServerCluster.CreateStopped(3);
        var trace = Path.Combine(cluster.RootDirectory, "trace.txt");

        // When a leader is killed, the follower with the lowest id requests pre-votes first: this member becomes leader soon.
        var first = cluster.Numbers.MinBy(number => EtcdIdCalculator.ComputeMemberId([cluster.PeerUrl(number)], cluster.Token));
        int[] others = [.. cluster.Numbers.Except([first])];
        cluster.StartWithFailingFlush(first, FailingFlushNumber, trace);
        foreach (var other in others)
            cluster.Start(other);
        await MakeLeaderAsync(cluster, first);

        var acknowledged = await WriteUntilExitAsync(cluster, first, writers: 16);
        var failed = await AssertExitedAtOnceAsync(cluster, first, trace);

        Assert.DoesNotContain(acknowledged, write => write.Received > failed + ResponseDelayMax);
        await cluster.WaitUntilReadyAsync(others[0]);
        AssertContains(await cluster.ReadAllAsync(others[0]), acknowledged);
        await EtcdCtl.OkAsync(cluster.Endpoint(others[1]), "put", "after", "it");
        await AssertAllPresentAfterRestartAsync(cluster, first, acknowledged);
    }

    /// <summary>Kills and restarts any other leader until this member leads.</summary>
    private static async Task MakeLeaderAsync(ServerCluster cluster, int wanted)
    {
        foreach (var number in cluster.Numbers)
            await cluster.WaitUntilReadyAsync(number);
        for (var leader = await cluster.WaitForLeaderAsync(); leader != wanted; leader = await cluster.WaitForLeaderAsync())
        {
            await cluster.KillAsync(leader);
            await cluster.WaitUntilReadyAsync(wanted);
            cluster.Start(leader);
            await cluster.WaitUntilReadyAsync(leader);
        }
    }

    /// <summary>A response that was sent before the failure may be read by its client a little later.</summary>
    private static TimeSpan ResponseDelayMax => TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// Runs clients that write to one member until it no longer responds; returns the acknowledged writes and their times.
    /// </summary>
    private static async Task<IReadOnlyCollection<AcknowledgedWrite>> WriteUntilExitAsync(ServerCluster cluster, int number, int writers)
    {
        var acknowledged = new ConcurrentBag<AcknowledgedWrite>();
        var deadline = DateTime.UtcNow.AddSeconds(60);
        await Task.WhenAll(Enumerable.Range(0, writers).Select(async writer =>
        {
            for (var i = 0; DateTime.UtcNow < deadline; i++)
            {
                var key = $"w{writer}/{i}";
                try
                {
                    await cluster.Kv(number)
                        .PutAsync(new PutRequest { Key = key.ToByteString(), Value = key.ToByteString() },
                            deadline: DateTime.UtcNow.AddSeconds(10));
                    acknowledged.Add(new AcknowledgedWrite(key, DateTime.UtcNow));
                }
                catch (RpcException)
                {
                    return;
                }
            }

            Assert.Fail("the flush that was to fail was never reached");
        }));
        Assert.NotEmpty(acknowledged);
        return acknowledged;
    }

    /// <summary>Asserts what the process did after the flush failed; returns the time of the failure.</summary>
    private async Task<DateTime> AssertExitedAtOnceAsync(ServerCluster cluster, int number, string trace)
    {
        var member = cluster.GetProcess(number);
        Assert.Equal(ExitCode.Failed, await member.WaitForExitAsync(TimeSpan.FromSeconds(20)));
        await cluster.KillAsync(number);
        Assert.Contains("no longer acknowledges requests", member.Errors, StringComparison.Ordinal);
        Assert.Contains($"fdatasync failed for {cluster.DataDirectory(number)}", member.Errors, StringComparison.Ordinal);

        var calls = await WaitForCompleteTraceAsync(trace);
        var injected = Array.FindIndex(calls, call => call.Contains("(INJECTED)", StringComparison.Ordinal));
        var failed = TimeOf(calls[injected]);
        var ended = TimeOf(calls[^1]);
        output.WriteLine($"ended {(ended - failed).TotalMilliseconds:0} ms after the flush had failed");
        Assert.True(ended - failed < TimeSpan.FromSeconds(1), $"it took {(ended - failed).TotalMilliseconds} ms to end");
        Assert.DoesNotContain(calls[(injected + 1)..], call => call.Contains("fdatasync", StringComparison.Ordinal));
        return failed;
    }

    /// <summary>strace writes its last lines after the process has exited.</summary>
    private static async Task<string[]> WaitForCompleteTraceAsync(string trace)
    {
        var deadline = Environment.TickCount64 + 10_000;
        while (true)
        {
            var calls = await File.ReadAllLinesAsync(trace);
            if (calls is [.., var last] && last.Contains($"+++ exited with {ExitCode.Failed} +++", StringComparison.Ordinal))
                return calls;
            Assert.True(Environment.TickCount64 < deadline, "strace recorded no exit: " + string.Join('\n', calls.TakeLast(5)));
            await Task.Delay(10);
        }
    }

    /// <summary>Parses a line of strace: thread, seconds since 1970 with a fraction, call.</summary>
    private static DateTime TimeOf(string call) =>
        DateTime.UnixEpoch.AddSeconds(
            double.Parse(call.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture));

    private static async Task AssertAllPresentAfterRestartAsync(ServerCluster cluster, int number,
        IReadOnlyCollection<AcknowledgedWrite> acknowledged)
    {
        cluster.Start(number);
        await cluster.WaitUntilReadyAsync(number);
        AssertContains(await cluster.ReadAllAsync(number), acknowledged);
        await EtcdCtl.OkAsync(cluster.Endpoint(number), "put", "again", "it writes");
    }

    private static void AssertContains(RangeResponse contents, IReadOnlyCollection<AcknowledgedWrite> acknowledged)
    {
        var held = contents.Kvs.Select(kv => kv.Key.ToStringUtf8()).ToHashSet(StringComparer.Ordinal);
        Assert.DoesNotContain(acknowledged, write => !held.Contains(write.Key));
    }

    private sealed record AcknowledgedWrite(string Key, DateTime Received);
}
