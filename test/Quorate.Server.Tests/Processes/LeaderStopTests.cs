using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// Repeated SIGTERM of the leader under load, as in a rolling restart: no request of a client that tries the next member fails, and none
/// takes long.
/// </summary>
/// <remarks>
/// Short here; the long run is <c>QUORATE_STOP_ROUNDS=100 dotnet test -c Release --project test/Quorate.Server.Tests -- --filter-class
/// *LeaderStopTests</c>.
/// </remarks>
[Collection(ProcessesCollection.Name)]
public sealed class LeaderStopTests(ITestOutputHelper output)
{
    private const int Clients = 16;
    private const string Refused = "connection refused";
    private static readonly TimeSpan MedianMax = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Percentile95Max = TimeSpan.FromMilliseconds(300);

    /// <summary>How long a client tries; a request that takes longer has failed.</summary>
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task No_request_of_a_retrying_client_fails_when_the_leader_is_terminated()
    {
        var isLongRun = int.TryParse(Environment.GetEnvironmentVariable("QUORATE_STOP_ROUNDS"), out var rounds);
        rounds = isLongRun ? rounds : 3;
        await using var cluster = await ServerCluster.StartAsync(3);
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, Clients).Select(i => new Client(cluster, i)).ToArray();
        var running = clients.Select(client => Task.Run(() => client.RunAsync(stop.Token))).ToArray();
        var pauses = new List<TimeSpan>();
        var stops = new List<TimeSpan>();

        for (var round = 0; round < rounds; round++)
        {
            var leader = await cluster.WaitForLeaderAsync();
            var counts = clients.Select(static client => client.Acknowledged.Count).ToArray();
            await WaitUntilAllAsync(clients, counts, more: 20);
            foreach (var client in clients)
                client.StartMeasuring();

            var logs = cluster.Numbers.ToDictionary(number => number, cluster.GetProcess);
            var logLengths = logs.ToDictionary(log => log.Key, log => log.Value.Errors.Length);
            var terminated = Stopwatch.GetTimestamp();
            await cluster.StopAsync(leader);
            stops.Add(Stopwatch.GetElapsedTime(terminated));

            // Requests that had begun by now have ended when each client has completed some more.
            counts = [.. clients.Select(static client => client.Acknowledged.Count)];
            await WaitUntilAllAsync(clients, counts, more: 20);
            pauses.Add(clients.Max(static client => client.Longest));
            output.WriteLine(
                $"round {round}: n{leader} ended in {stops[^1].TotalMilliseconds:0} ms, "
                + $"longest request {pauses[^1].TotalMilliseconds:0} ms");
            if (pauses[^1] > Percentile95Max)
                output.WriteLine(string.Join('\n', logs.Select(log => $"n{log.Key}: {log.Value.Errors[logLengths[log.Key]..]}")));
            cluster.Start(leader);
            await cluster.WaitUntilReadyAsync(leader);
        }

        await stop.CancelAsync();
        await Task.WhenAll(running);

        var errors = clients.SelectMany(static client => client.Errors).GroupBy(static error => error)
            .Select(static group => $"{group.Count()} × {group.Key}").ToArray();
        pauses.Sort();
        stops.Sort();
        var (median, percentile95) = (At(pauses, 0.5), At(pauses, 0.95));
        output.WriteLine(
            $"{rounds} rounds, {clients.Sum(static client => client.Acknowledged.Count)} requests, "
            + $"{clients.Sum(static client => client.Failures.Count)} failed; longest request: median {median.TotalMilliseconds:0} ms, "
            + $"p95 {percentile95.TotalMilliseconds:0} ms, max {pauses[^1].TotalMilliseconds:0} ms; the process ended within: median "
            + $"{At(stops, 0.5).TotalMilliseconds:0} ms, max {stops[^1].TotalMilliseconds:0} ms; errors that clients retried: "
            + $"{(errors.Length == 0 ? "none" : string.Join(", ", errors))}");

        Assert.Empty(clients.SelectMany(static client => client.Failures));

        // A request that was refused was not executed. Any other error would leave open whether a write was.
        var others = clients.SelectMany(static client => client.Errors).Where(static error => error != Refused).Distinct().ToArray();
        Assert.Empty(others);
        await AssertNothingIsLostAsync(cluster, clients);
        if (isLongRun)
        {
            Assert.True(median <= MedianMax, $"median {median.TotalMilliseconds} ms");
            Assert.True(percentile95 <= Percentile95Max, $"p95 {percentile95.TotalMilliseconds} ms");
        }
    }

    private static TimeSpan At(List<TimeSpan> sorted, double share) => sorted[(int)Math.Ceiling(sorted.Count * share) - 1];

    private static async Task WaitUntilAllAsync(Client[] clients, int[] counts, int more)
    {
        var deadline = Environment.TickCount64 + 30_000;
        for (var i = 0; i < clients.Length; i++)
        {
            while (clients[i].Acknowledged.Count < counts[i] + more)
            {
                Assert.True(Environment.TickCount64 < deadline, $"client {i} makes no progress; {string.Join("; ", clients[i].Failures)}");
                await Task.Delay(5);
            }
        }
    }

    private static async Task AssertNothingIsLostAsync(ServerCluster cluster, Client[] clients)
    {
        var read = await cluster.Kv(1).RangeAsync(
            new RangeRequest { Key = "\0"u8.ToByteString(), RangeEnd = "\0"u8.ToByteString(), KeysOnly = true });
        var held = read.Kvs.Select(static kv => kv.Key.ToStringUtf8()).ToHashSet(StringComparer.Ordinal);
        var lost = clients.SelectMany(static client => client.Acknowledged).Where(key => !held.Contains(key)).ToArray();
        Assert.Empty(lost);
    }

    /// <summary>Writes unique keys, one after another, each to the next member if one is unavailable.</summary>
    private sealed class Client(ServerCluster cluster, int number)
    {
        private int _at = number % cluster.Size;
        private long _longest;

        public ConcurrentQueue<string> Acknowledged { get; } = new();

        public ConcurrentQueue<string> Failures { get; } = new();

        public ConcurrentQueue<string> Errors { get; } = new();

        /// <summary>The longest request that has ended since <see cref="StartMeasuring"/>, with all its attempts.</summary>
        public TimeSpan Longest => Stopwatch.GetElapsedTime(0, Volatile.Read(ref _longest));

        public void StartMeasuring()
        {
            // Clients that were moved to another member by the last stop return, so that some talk to the next leader.
            Volatile.Write(ref _at, number % cluster.Size);
            Volatile.Write(ref _longest, 0);
        }

        public async Task RunAsync(CancellationToken stop)
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
            {
                var begun = Stopwatch.GetTimestamp();
                await WriteAsync($"c{number:00}/{i:000000}", begun);
                Volatile.Write(ref _longest, Math.Max(Volatile.Read(ref _longest), Stopwatch.GetTimestamp() - begun));
            }
        }

        private async Task WriteAsync(string key, long begun)
        {
            while (true)
            {
                var at = Volatile.Read(ref _at);
                try
                {
                    await cluster.Kv(at + 1).PutAsync(
                        new PutRequest { Key = key.ToByteString(), Value = ByteString.CopyFromUtf8("value") },
                        deadline: DateTime.UtcNow + RequestTimeout);
                    Acknowledged.Enqueue(key);
                    return;
                }
                catch (RpcException error) when (error.StatusCode == StatusCode.Unavailable
                    && Stopwatch.GetElapsedTime(begun) < RequestTimeout)
                {
                    Errors.Enqueue(
                        error.Status.DebugException is SocketException { SocketErrorCode: SocketError.ConnectionRefused }
                            or HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError }
                            ? Refused
                            : $"{error.Status.Detail} ({error.Status.DebugException?.Message})");
                    Volatile.Write(ref _at, (at + 1) % cluster.Size);
                }
                catch (RpcException error)
                {
                    Failures.Enqueue($"{key} at n{at + 1}: {error.Status}");
                    return;
                }
            }
        }
    }
}
