using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// Repeated <c>kill -9</c> of the leader under load: no acknowledged write is lost, the members stay equal, and there is a new leader
/// within a fraction of an election timeout.
/// </summary>
/// <remarks>
/// Short here; the long run is <c>QUORATE_KILL_ROUNDS=60 dotnet test -c Release --project test/Quorate.Server.Tests -- --filter-class
/// *LeaderKillTests</c>.
/// </remarks>
[Collection(ProcessesCollection.Name)]
public sealed class LeaderKillTests(ITestOutputHelper output)
{
    private const int Writers = 32;
    private static readonly TimeSpan ElectionTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Numbers of members and of rounds. The long run adds a cluster of five members.</summary>
    public static TheoryData<int, int> Clusters() =>
        int.TryParse(Environment.GetEnvironmentVariable("QUORATE_KILL_ROUNDS"), out var rounds)
            ? new() { { 3, rounds }, { 5, 8 } }
            : new() { { 3, 5 } };

    [Theory]
    [MemberData(nameof(Clusters))]
    public async Task Killing_the_leader_loses_no_acknowledged_write(int members, int rounds)
    {
        await using var cluster = await ServerCluster.StartAsync(members);
        using var stop = new CancellationTokenSource();
        var acknowledged = new ConcurrentDictionary<string, string>(StringComparer.Ordinal);
        var writers = Enumerable.Range(0, Writers).Select(w => Task.Run(() => WriteAsync(cluster, w, acknowledged, stop.Token))).ToArray();

        var outages = new List<TimeSpan>();
        for (var round = 0; round < rounds; round++)
        {
            var leader = await cluster.WaitForLeaderAsync();
            var before = acknowledged.Count;
            var logLengths = cluster.Numbers.ToDictionary(number => number, number => cluster.GetProcess(number).Errors.Length);
            var killed = Stopwatch.GetTimestamp();
            await cluster.KillAsync(leader);
            await WaitForAcknowledgedWriteAsync(cluster, round);
            outages.Add(Stopwatch.GetElapsedTime(killed));
            if (outages[^1] > 0.6 * ElectionTimeout)
                WriteMemberLogs(cluster, logLengths);

            cluster.Start(leader);
            await cluster.WaitUntilReadyAsync(leader);
            output.WriteLine(
                $"round {round}: n{leader} killed, {outages[^1].TotalMilliseconds:0} ms until the next write, " +
                $"{acknowledged.Count - before} acknowledged meanwhile");
        }

        await stop.CancelAsync();
        await Task.WhenAll(writers);
        await WaitForConvergenceAsync(cluster);

        var contents = new List<RangeResponse>();
        foreach (var number in cluster.Numbers)
            contents.Add(await cluster.ReadAllAsync(number));
        foreach (var member in contents)
        {
            var held = member.Kvs.ToDictionary(kv => kv.Key.ToStringUtf8(), kv => kv.Value.ToStringUtf8(), StringComparer.Ordinal);
            var lost = acknowledged.Where(write => !held.TryGetValue(write.Key, out var value) || value != write.Value).ToArray();
            Assert.Empty(lost);
        }

        Assert.Single(contents.Select(HashOf).Distinct());

        outages.Sort();
        var median = outages[outages.Count / 2];
        var p99 = outages[(int)Math.Ceiling(outages.Count * 0.99) - 1];
        output.WriteLine(
            $"{members} members, {rounds} rounds, {acknowledged.Count} writes acknowledged, 0 lost; without a leader: " +
            $"median {median.TotalMilliseconds:0} ms, p99 {p99.TotalMilliseconds:0} ms, max {outages[^1].TotalMilliseconds:0} ms");

        Assert.True(median <= 0.6 * ElectionTimeout, $"median without a leader {median.TotalMilliseconds} ms");
        Assert.True(p99 <= 1.5 * ElectionTimeout, $"p99 without a leader {p99.TotalMilliseconds} ms");
    }

    /// <summary>
    /// Runs one client: unique keys, one after another, to whichever member responds. It records acknowledged writes only; a failed write
    /// may have taken effect.
    /// </summary>
    private static async Task WriteAsync(ServerCluster cluster, int writer, ConcurrentDictionary<string, string> acknowledged,
        CancellationToken stop)
    {
        var at = writer % cluster.Size;
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var key = $"w{writer:00}/{i:000000}";
            var value = $"{writer}-{i}-{Guid.NewGuid():n}";
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

    /// <summary>
    /// Waits for the end of the outage as a client sees it: a write started after the kill is acknowledged. This is at least as long as the
    /// time without a leader.
    /// </summary>
    private static async Task WaitForAcknowledgedWriteAsync(ServerCluster cluster, int round)
    {
        var alive = cluster.Numbers.Where(cluster.IsRunning).ToArray();
        var deadline = Environment.TickCount64 + 30_000;
        for (var i = 0; ; i++)
        {
            Assert.True(Environment.TickCount64 < deadline, "no write is acknowledged any more");
            try
            {
                await cluster.Kv(alive[i % alive.Length]).PutAsync(
                    new PutRequest { Key = $"probe/{round}".ToByteString(), Value = $"{i}".ToByteString() },
                    deadline: DateTime.UtcNow.AddMilliseconds(500));
                return;
            }
            catch (RpcException)
            {
                await Task.Delay(2);
            }
        }
    }

    private static async Task WaitForConvergenceAsync(ServerCluster cluster)
    {
        var deadline = Environment.TickCount64 + 30_000;
        while (true)
        {
            var revisions = new List<long>();
            foreach (var number in cluster.Numbers)
                revisions.Add(
                    (await cluster.Kv(number).RangeAsync(new RangeRequest { Key = "k".ToByteString(), Serializable = true }))
                    .Header.Revision);
            if (revisions.Distinct().Count() == 1)
                return;
            Assert.True(Environment.TickCount64 < deadline, $"the members do not converge: revisions {string.Join(", ", revisions)}");
            await Task.Delay(50);
        }
    }

    /// <summary>Writes the survivors' logs of a slow round to the test output.</summary>
    private void WriteMemberLogs(ServerCluster cluster, Dictionary<int, int> before)
    {
        foreach (var number in cluster.Numbers.Where(cluster.IsRunning))
            output.WriteLine($"n{number}: {cluster.GetProcess(number).Errors[before[number]..]}");
    }

    /// <summary>Hashes every key, value, revision and version of a member.</summary>
    private static string HashOf(RangeResponse contents)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var kv in contents.Kvs)
            hash.AppendData(kv.ToByteArray());
        return Convert.ToHexString(hash.GetHashAndReset());
    }
}
