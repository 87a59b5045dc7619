using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf;
using Grpc.Core;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Node.Backups;
using Quorate.Server.Etcd;
using Quorate.Server.Protos;
using Quorate.Server.Replication;

namespace Quorate.Server.Tests.Etcd;

/// <summary>The Snapshot call of a running member: what it sends, and its limits.</summary>
public sealed class SnapshotApiTests
{
    [Fact]
    public async Task The_remaining_bytes_are_exact_and_the_last_bytes_are_the_SHA_256_of_the_others()
    {
        await using var server = await StartWithDataAsync();
        using var call = new Maintenance.MaintenanceClient(server.Channel).Snapshot(new SnapshotRequest());
        var parts = new List<SnapshotResponse>();
        await foreach (var part in call.ResponseStream.ReadAllAsync())
            parts.Add(part);

        var bytes = parts.SelectMany(static p => p.Blob).ToArray();
        var left = (ulong)bytes.Length;
        foreach (var part in parts)
        {
            left -= (ulong)part.Blob.Length;
            Assert.Equal(left, part.RemainingBytes);
            Assert.Equal(ReportedVersions.EtcdCluster, part.Version);
            Assert.NotEqual(0UL, part.Header.ClusterId);
        }

        Assert.True(parts.Count > 10, $"{parts.Count} parts");
        Assert.Equal(32, bytes.Length % 512);
        Assert.Equal(SHA256.HashData(bytes[..^32]), bytes[^32..]);
    }

    [Fact]
    public async Task The_gateway_sends_the_same_bytes_as_JSON()
    {
        await using var server = await StartWithDataAsync();

        var body = await (await server.Http.PostAsync(new Uri("/v3/maintenance/snapshot", UriKind.Relative), new StringContent("{}")))
            .Content.ReadAsStringAsync();

        using var bytes = new MemoryStream();
        foreach (var line in body.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var json = JsonDocument.Parse(line);
            bytes.Write(json.RootElement.GetProperty("result").GetProperty("blob").GetBytesFromBase64());
        }

        Assert.Equal(SHA256.HashData(bytes.ToArray()[..^32]), bytes.ToArray()[^32..]);
    }

    [Fact]
    public async Task Downloads_above_the_limit_are_rejected_and_possible_again_when_one_ends()
    {
        await using var server = await StartWithDataAsync();
        var client = new Maintenance.MaintenanceClient(server.Channel);
        var held = new List<AsyncServerStreamingCall<SnapshotResponse>>();
        for (var i = 0; i < SnapshotApi.DownloadsMax; i++)
        {
            held.Add(client.Snapshot(new SnapshotRequest()));
            Assert.True(await held[i].ResponseStream.MoveNext(CancellationToken.None));
        }

        using var rejected = client.Snapshot(new SnapshotRequest());
        var error = await Assert.ThrowsAsync<RpcException>(() => rejected.ResponseStream.MoveNext(CancellationToken.None));
        Assert.Equal(StatusCode.ResourceExhausted, error.StatusCode);
        Assert.Contains("2 snapshots are being downloaded", error.Status.Detail, StringComparison.Ordinal);
        Assert.Contains("quorate_server_snapshot_downloads 2\n", await MetricsAsync(server), StringComparison.Ordinal);

        foreach (var call in held)
            call.Dispose();
        await Eventually.IsTrueAsync(
            async () => (await MetricsAsync(server)).Contains("quorate_server_snapshot_downloads 0\n", StringComparison.Ordinal),
            "the downloads have ended");
        using var next = client.Snapshot(new SnapshotRequest());
        Assert.True(await next.ResponseStream.MoveNext(CancellationToken.None));
    }

    [Fact]
    public async Task Writes_go_on_while_a_client_reads_nothing()
    {
        await using var server = await StartWithDataAsync();
        using var call = new Maintenance.MaintenanceClient(server.Channel).Snapshot(new SnapshotRequest());
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        for (var i = 0; i < 100; i++)
            await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("k0"), Value = ServerFixture.Utf8("later") });

        // The rest is still the state of the capture.
        var all = new List<byte>(call.ResponseStream.Current.Blob);
        await foreach (var part in call.ResponseStream.ReadAllAsync())
            all.AddRange(part.Blob);
        Assert.Equal(SHA256.HashData(all.ToArray()[..^32]), all.ToArray()[^32..]);
        Assert.DoesNotContain("later", System.Text.Encoding.Latin1.GetString([.. all]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_snapshot_is_captured_after_the_read_barrier()
    {
        var captured = false;
        var node = new FakeRaftNode(FakeAnswer.Stopped);
        var executor = new RequestExecutor(node, TimeSpan.FromSeconds(1), TimeProvider.System, NullLogger.Instance, CancellationToken.None);
        var members = new MemberRegistry([]);
        var store = new EtcdStateMachine(
            members, new MemberLeaseDeadlines(TimeProvider.System), new UndecodableCommands(NullLogger.Instance, TimeProvider.System));
        var api = new SnapshotApi(
            executor,
            _ =>
            {
                captured = true;
                return Task.FromException<Backup>(new NotSupportedException());
            },
            store, new ResponseHeaderFactory(1, 1, node), NullLogger.Instance);

        var error = await Record.ExceptionAsync(
            () => api.RunAsync(static (_, _) => Task.CompletedTask, RequestContext.FromServer(CancellationToken.None)));

        Assert.False(captured, "the state was captured although the barrier was not granted");
        Assert.Equal("etcdserver: server stopped", Assert.IsType<RpcException>(error).Status.Detail);
        Assert.Equal((0, 0L, 1L), (api.Running, api.Completed, api.Failed));
    }

    [Fact]
    public async Task A_member_without_a_leader_sends_no_snapshot()
    {
        await using var server = await ServerFixture.StartWithoutQuorumAsync();
        using var call = new Maintenance.MaintenanceClient(server.Channel).Snapshot(new SnapshotRequest());

        var error = await Assert.ThrowsAsync<RpcException>(() => call.ResponseStream.MoveNext(CancellationToken.None));

        Assert.Equal((StatusCode.Unavailable, "etcdserver: no leader"), (error.StatusCode, error.Status.Detail));
    }

    [Fact]
    public async Task A_member_that_stops_ends_its_downloads()
    {
        await using var server = await StartWithDataAsync();
        using var call = new Maintenance.MaintenanceClient(server.Channel).Snapshot(new SnapshotRequest());
        Assert.True(await call.ResponseStream.MoveNext(CancellationToken.None));

        await server.Server.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30));

        await Assert.ThrowsAsync<RpcException>(async () =>
        {
            await foreach (var _ in call.ResponseStream.ReadAllAsync())
            {
            }
        });
    }

    [Fact]
    public async Task A_download_whose_client_receives_nothing_is_ended()
    {
        using var parts = new SnapshotPartStream(
            100, new ResponseHeader(), static (_, cancellation) => Task.Delay(Timeout.Infinite, cancellation),
            TimeSpan.FromMilliseconds(50), CancellationToken.None);
        parts.Write(new byte[100]);

        var error = await Assert.ThrowsAsync<RpcException>(() => Task.Run(parts.Flush));

        Assert.Equal(StatusCode.Aborted, error.StatusCode);
    }

    [Fact]
    public void A_snapshot_that_is_longer_than_it_was_measured_is_not_sent()
    {
        using var parts = new SnapshotPartStream(
            99, new ResponseHeader(), static (_, _) => Task.CompletedTask, TimeSpan.FromMinutes(1), CancellationToken.None);
        parts.Write(new byte[100]);

        Assert.Throws<InvalidOperationException>(parts.Flush);
    }

    private static async Task<RunningServer> StartWithDataAsync()
    {
        var server = await ServerFixture.StartAsync();
        for (var i = 0; i < 40; i++)
        {
            await server.Kv.PutAsync(new PutRequest
            {
                Key = ServerFixture.Utf8($"k{i}"), Value = UnsafeByteOperations.UnsafeWrap(new byte[500_000]),
            });
        }

        return server;
    }

    private static Task<string> MetricsAsync(RunningServer server) => server.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative));
}
