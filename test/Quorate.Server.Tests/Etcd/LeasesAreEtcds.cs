using Grpc.Core;
using Quorate.Server.Protos;
using Quorate.Server.Tests.Watching;

namespace Quorate.Server.Tests.Etcd;

/// <summary>etcd v3 API, Lease, over the wire.</summary>
public sealed class LeasesAreEtcds
{
    [Fact]
    public async Task A_lease_gets_an_id_and_at_least_the_least_time()
    {
        await using var server = await Given.ServerAsync();

        var least = await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = -3 });
        var chosen = await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = -5 });

        Assert.True(least.ID > 0);
        Assert.Equal((1, 60, -5), (least.TTL, chosen.TTL, chosen.ID));
        Assert.Equal(1, chosen.Header.Revision);
    }

    [Fact]
    public async Task Refusals_have_etcds_codes_and_texts()
    {
        await using var server = await Given.ServerAsync();
        await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = 5 });

        await RefusedAsync(StatusCode.FailedPrecondition, "etcdserver: lease already exists", Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = 5 }));
        await RefusedAsync(StatusCode.OutOfRange, "etcdserver: too large lease TTL", Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 9_000_000_001 }));
        await RefusedAsync(StatusCode.NotFound, "etcdserver: requested lease not found", Leases(server).LeaseRevokeAsync(new LeaseRevokeRequest { ID = 6 }));
    }

    [Fact]
    public async Task Time_to_live_tells_the_keys_and_minus_one_of_an_unknown_lease()
    {
        await using var server = await Given.ServerAsync();
        await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = 5 });
        await server.Kv.PutAsync(new PutRequest { Key = Given.Bytes("a"), Lease = 5 });

        var known = await Leases(server).LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 5, Keys = true });
        var unknown = await Leases(server).LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 6, Keys = true });
        var all = await Leases(server).LeaseLeasesAsync(new LeaseLeasesRequest());

        Assert.Equal((60, 2), (known.GrantedTTL, known.Header.Revision));
        Assert.InRange(known.TTL, 30, 60);
        Assert.Equal([Given.Bytes("a")], known.Keys);
        Assert.Equal((-1, 0, 6), (unknown.TTL, unknown.GrantedTTL, unknown.ID));
        Assert.Equal(5, Assert.Single(all.Leases).ID);
    }

    [Fact]
    public async Task Keep_alive_answers_the_time_and_0_for_an_unknown_lease_and_the_stream_goes_on()
    {
        await using var server = await Given.ServerAsync();
        await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = 5 });
        using var stream = Leases(server).LeaseKeepAlive();

        foreach (var (id, ttl) in ((long, long)[])[(6, 0), (5, 60), (5, 60)])
        {
            await stream.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = id });
            Assert.True(await stream.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal((id, ttl, 1), (stream.ResponseStream.Current.ID, stream.ResponseStream.Current.TTL, stream.ResponseStream.Current.Header.Revision));
        }

        await stream.RequestStream.CompleteAsync();
        Assert.False(await stream.ResponseStream.MoveNext(CancellationToken.None));
    }

    [Fact]
    public async Task When_its_time_is_up_its_keys_go_in_one_revision_and_watchers_are_told()
    {
        await using var server = await Given.ServerAsync();
        await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 1, ID = 5 });
        await server.Kv.PutAsync(new PutRequest { Key = Given.Bytes("a"), Lease = 5 });
        await server.Kv.PutAsync(new PutRequest { Key = Given.Bytes("b"), Lease = 5 });
        using var watch = new WatchUnderTest(server.Channel);
        await watch.CreatedAsync("a", "z", from: 4);

        Assert.Equal("-a=@4 -b=@4", await watch.NextEventsAsync());
        Assert.Equal(-1, (await Leases(server).LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 5 })).TTL);
    }

    [Fact]
    public async Task A_lease_survives_a_restart_with_its_keys_and_its_full_time()
    {
        using var folder = new TemporaryFolder();
        var place = $"--data-dir={folder.Path}/data";
        await using (var server = await Given.ServerAsync(place))
        {
            await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 1000, ID = 5 });
            await server.Kv.PutAsync(new PutRequest { Key = Given.Bytes("a"), Lease = 5 });
        }

        await using var again = await Given.ServerAsync(place);
        var lease = await Leases(again).LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 5, Keys = true });

        Assert.Equal((1000, 1), (lease.GrantedTTL, lease.Keys.Count));
        Assert.InRange(lease.TTL, 900, 1000);
    }

    [Fact]
    public async Task Alarms_are_none_defragmenting_is_done_at_once_and_the_hash_changes_with_a_lease()
    {
        await using var server = await Given.ServerAsync();
        var maintenance = new Maintenance.MaintenanceClient(server.Channel);

        Assert.Empty((await maintenance.AlarmAsync(new AlarmRequest())).Alarms);
        Assert.Empty((await maintenance.AlarmAsync(new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate })).Alarms);
        await maintenance.DefragmentAsync(new DefragmentRequest());
        var before = await maintenance.HashAsync(new HashRequest());
        await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60 });
        Assert.NotEqual(before.Hash, (await maintenance.HashAsync(new HashRequest())).Hash);
    }

    private static Lease.LeaseClient Leases(RunningServer server) => new(server.Channel);

    private static async Task RefusedAsync<T>(StatusCode code, string message, AsyncUnaryCall<T> call)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal((code, message), (refused.StatusCode, refused.Status.Detail));
    }
}
