using Grpc.Core;
using Grpc.Net.Client;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// On SIGTERM, pending calls end with etcd's error, not with a broken connection, and the process exits.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class ShutdownTests : IAsyncLifetime
{
    private static readonly (StatusCode, string) Stopped = (StatusCode.Unavailable, "etcdserver: server stopped");

    private readonly ServerCluster _cluster = ServerCluster.CreateStopped(3);

    public async ValueTask InitializeAsync()
    {
        // Without the other members there is no quorum, so a write stays pending as long as the test needs.
        _cluster.Start(1);
        await _cluster.GetProcess(1).WaitForLogAsync("ready to serve");
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Pending_streams_and_calls_end_with_server_stopped()
    {
        using var channel = GrpcChannel.ForAddress($"http://{_cluster.Endpoint(1)}");
        using var idle = new Watch.WatchClient(channel).Watch();
        using var watch = new Watch.WatchClient(channel).Watch();
        await watch.RequestStream.WriteAsync(new WatchRequest { CreateRequest = new WatchCreateRequest { Key = "k".ToByteString() } });
        Assert.True(await watch.ResponseStream.MoveNext());
        using var keepAlive = new Lease.LeaseClient(channel).LeaseKeepAlive();
        await keepAlive.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = 1 });
        using var put = new KV.KVClient(channel).PutAsync(new PutRequest { Key = "k".ToByteString() });
        using var range = new KV.KVClient(channel).RangeAsync(new RangeRequest { Key = "k".ToByteString() });
        await new Maintenance.MaintenanceClient(channel).StatusAsync(new StatusRequest()); // is served after them on the same connection

        await _cluster.GetProcess(1).TerminateAsync();

        Assert.Equal(Stopped, await GetErrorAsync(watch.ResponseStream.MoveNext()));
        Assert.Equal(Stopped, await GetErrorAsync(idle.ResponseStream.MoveNext()));
        Assert.Equal(Stopped, await GetErrorAsync(keepAlive.ResponseStream.MoveNext()));
        Assert.Equal(Stopped, await GetErrorAsync(put.ResponseAsync));
        Assert.Equal(Stopped, await GetErrorAsync(range.ResponseAsync));
        Assert.Equal(0, await _cluster.GetProcess(1).WaitForExitAsync(TimeSpan.FromSeconds(10)));
    }

    /// <summary>A process whose terminal is closed receives SIGHUP.</summary>
    [Fact]
    public async Task SIGHUP_does_not_stop_a_member()
    {
        await using var member = TestProcess.StartQuorateWithDefaultSignals(["server", .. _cluster.Flags(2)]);
        await member.WaitForLogAsync("ready to serve");

        await member.HangUpAsync();
        await member.WaitForLogAsync("SIGHUP ignored");
        var status = await _cluster.Maintenance(2).StatusAsync(new StatusRequest());

        Assert.NotEqual(0ul, status.Header.MemberId);
        Assert.False(member.HasExited);
    }

    private static async Task<(StatusCode, string)> GetErrorAsync(Task call)
    {
        var ended = await Assert.ThrowsAsync<RpcException>(() => call.WaitAsync(TimeSpan.FromSeconds(30)));
        return (ended.StatusCode, ended.Status.Detail);
    }
}
