using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// A member frees the place of a call at once when the client cancels the call, closes its connection, or sent a deadline that has passed.
/// </summary>
/// <remarks>
/// Two of three members are paused, so that nothing commits. Every test makes one put and one read that it never cancels, before it makes
/// the others: they prove that the others were freed because of their cancellation, and not because the request timeout, which they all
/// share, has passed.
/// </remarks>
[Collection(ProcessesCollection.Name)]
public sealed class CancelledCallTests
{
    private const int Calls = 100;

    /// <summary>The request timeout is 5 s plus two election timeouts: long enough to start all calls on a busy machine.</summary>
    private static readonly string[] Flags = ["--heartbeat-interval=200", "--election-timeout=4000"];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Calls_cancelled_by_their_client_are_freed(bool onLeader)
    {
        await using var cluster = await ServerCluster.StartAsync(3, Flags);
        var member = await PauseQuorumAsync(cluster, onLeader);
        await using var uncancelled = await UncancelledCalls.StartAsync(cluster, member);

        using var cancellation = new CancellationTokenSource();
        Task[] calls =
        [
            .. Enumerable.Range(0, Calls).Select(
                i => cluster.Kv(member).PutAsync(Put(i), cancellationToken: cancellation.Token).ResponseAsync),
            .. Enumerable.Range(0, Calls).Select(
                _ => cluster.Kv(member).RangeAsync(Range, cancellationToken: cancellation.Token).ResponseAsync),
        ];
        await uncancelled.WaitForPendingAsync(Calls + 1);
        await cancellation.CancelAsync();

        await uncancelled.WaitForPendingAsync(1);
        foreach (var call in calls)
            Assert.Equal(StatusCode.Cancelled, (await Assert.ThrowsAsync<RpcException>(() => call)).StatusCode);
    }

    /// <summary>The client of this test only sends the deadline and does not end the calls itself.</summary>
    [Fact]
    public async Task Calls_whose_deadline_has_passed_are_freed_and_end_with_DEADLINE_EXCEEDED()
    {
        await using var cluster = await ServerCluster.StartAsync(3, Flags);
        var member = await PauseQuorumAsync(cluster, onLeader: true);
        await using var uncancelled = await UncancelledCalls.StartAsync(cluster, member);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{cluster.Endpoint(member)}") };

        var statuses = await Task.WhenAll(
            Enumerable.Range(0, Calls).SelectMany(i => new[] { ("Put", (IMessage)Put(i)), ("Range", Range) })
                .Select(call => GrpcStatusAsync(http, call.Item1, call.Item2, timeout: "1500m")));

        await uncancelled.WaitForPendingAsync(1);
        Assert.All(statuses, status => Assert.Equal(((int)StatusCode.DeadlineExceeded).ToString(CultureInfo.InvariantCulture), status));
    }

    [Fact]
    public async Task JSON_calls_whose_connection_is_closed_are_freed()
    {
        await using var cluster = await ServerCluster.StartAsync(3, Flags);
        var member = await PauseQuorumAsync(cluster, onLeader: true);
        await using var uncancelled = await UncancelledCalls.StartAsync(cluster, member);

        var connections = new List<TcpClient>();
        for (var i = 0; i < Calls; i++)
        {
            connections.Add(await PostAsync(cluster, member, "/v3/kv/put", """{"key":"aw==","value":"dg=="}"""));
            connections.Add(await PostAsync(cluster, member, "/v3/kv/range", """{"key":"aw=="}"""));
        }

        await uncancelled.WaitForPendingAsync(Calls + 1);
        foreach (var connection in connections)
            connection.Dispose();

        await uncancelled.WaitForPendingAsync(1);
    }

    [Fact]
    public async Task JSON_calls_whose_deadline_has_passed_are_freed_and_end_with_504()
    {
        await using var cluster = await ServerCluster.StartAsync(3, Flags);
        var member = await PauseQuorumAsync(cluster, onLeader: true);
        await using var uncancelled = await UncancelledCalls.StartAsync(cluster, member);
        using var http = new HttpClient { BaseAddress = new Uri($"http://{cluster.Endpoint(member)}") };
        http.DefaultRequestHeaders.Add("Grpc-Timeout", "1500m");

        var responses = await Task.WhenAll(Enumerable.Range(0, Calls).SelectMany(i => new[] { "put", "range" }).Select(
            call => http.PostAsync(new Uri($"/v3/kv/{call}", UriKind.Relative), new StringContent("""{"key":"aw=="}"""))));

        await uncancelled.WaitForPendingAsync(1);
        foreach (var response in responses)
        {
            Assert.Equal(HttpStatusCode.GatewayTimeout, response.StatusCode);
            Assert.Contains("etcdserver: context deadline exceeded", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            response.Dispose();
        }
    }

    private static RangeRequest Range { get; } = new() { Key = "k"u8.ToByteString() };

    private static PutRequest Put(int i) => new()
    {
        Key = Encoding.UTF8.GetBytes($"k{i}").AsSpan().ToByteString(),
        Value = "v"u8.ToByteString(),
    };

    /// <summary>Pauses two members and returns the number of the third, which is the leader or a follower.</summary>
    private static async Task<int> PauseQuorumAsync(ServerCluster cluster, bool onLeader)
    {
        var leader = await cluster.WaitForLeaderAsync();
        var running = onLeader ? leader : cluster.Numbers.First(number => number != leader);
        foreach (var number in cluster.Numbers.Where(number => number != running))
            await cluster.GetProcess(number).PauseAsync();
        return running;
    }

    private static async Task<string> GrpcStatusAsync(HttpClient http, string method, IMessage message, string timeout)
    {
        var bytes = message.ToByteArray();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/etcdserverpb.KV/{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([0, 0, 0, (byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes]),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Headers.Add("grpc-timeout", timeout);
        using var response = await http.SendAsync(request);
        await response.Content.ReadAsByteArrayAsync();
        return (response.TrailingHeaders.TryGetValues("grpc-status", out var values)
            || response.Headers.TryGetValues("grpc-status", out values) ? values : ["none"]).Single();
    }

    private static async Task<TcpClient> PostAsync(ServerCluster cluster, int member, string path, string json)
    {
        var endpoint = IPEndPoint.Parse(cluster.Endpoint(member));
        var connection = new TcpClient();
        await connection.ConnectAsync(endpoint);
        await connection.GetStream().WriteAsync(
            Encoding.ASCII.GetBytes($"POST {path} HTTP/1.1\r\nHost: {endpoint}\r\nContent-Length: {json.Length}\r\n\r\n{json}"));
        return connection;
    }

    /// <summary>One put and one read that stay pending, and the numbers of pending calls of their member.</summary>
    private sealed class UncancelledCalls : IAsyncDisposable
    {
        private readonly HttpClient _http;
        private readonly CancellationTokenSource _cancellation = new();
        private readonly Task[] _calls;

        private UncancelledCalls(ServerCluster cluster, int member)
        {
            _http = new HttpClient { BaseAddress = new Uri($"http://{cluster.Endpoint(member)}") };
            _calls =
            [
                cluster.Kv(member).PutAsync(Put(-1), cancellationToken: _cancellation.Token).ResponseAsync,
                cluster.Kv(member).RangeAsync(Range, cancellationToken: _cancellation.Token).ResponseAsync,
            ];
        }

        public static async Task<UncancelledCalls> StartAsync(ServerCluster cluster, int member)
        {
            var calls = new UncancelledCalls(cluster, member);
            await calls.WaitForPendingAsync(1);
            return calls;
        }

        /// <summary>
        /// Waits until the member has this number of pending writes, the same number of pending reads, and its Raft node no more than that.
        /// </summary>
        public async Task WaitForPendingAsync(int expected)
        {
            while (true)
            {
                var metrics = await ReadMetricsAsync();
                var pending = string.Join(
                    ", ", metrics.Where(m => m.Key.EndsWith("_pending", StringComparison.Ordinal)).Select(m => $"{m.Key} {m.Value}"));
                foreach (var call in _calls)
                    Assert.False(
                        call.IsCompleted,
                        $"the request timeout has passed before {expected} + {expected} calls were pending: {pending}");
                if (metrics["etcd_server_proposals_pending"] == expected && metrics["quorate_server_reads_pending"] == expected
                    && metrics["quorate_raft_proposals_pending"] <= expected && metrics["quorate_raft_reads_pending"] <= expected)
                    return;
                await Task.Delay(10);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _cancellation.CancelAsync();
            foreach (var call in _calls)
                await call.ContinueWith(static _ => { }, TaskScheduler.Default);
            _cancellation.Dispose();
            _http.Dispose();
        }

        private async Task<Dictionary<string, int>> ReadMetricsAsync()
        {
            var text = await _http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
            return text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#').Select(line => line.Split(' '))
                .ToDictionary(parts => parts[0], parts => int.Parse(parts[1], CultureInfo.InvariantCulture));
        }
    }
}
