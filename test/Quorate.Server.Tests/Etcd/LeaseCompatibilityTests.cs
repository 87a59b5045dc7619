using System.Diagnostics;
using Grpc.Core;
using Quorate.Server.Protos;
using Quorate.Server.Tests.Watching;

namespace Quorate.Server.Tests.Etcd;

/// <summary>etcd v3 API, Lease, over the wire.</summary>
public sealed class LeaseCompatibilityTests
{
    [Fact]
    public async Task A_lease_gets_an_id_and_at_least_the_minimum_TTL()
    {
        await using var server = await ServerFixture.StartAsync();

        var least = await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = -3 });
        var chosen = await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = -5 });

        Assert.True(least.ID > 0);
        Assert.Equal((1, 60, -5), (least.TTL, chosen.TTL, chosen.ID));
        Assert.Equal(1, chosen.Header.Revision);
    }

    [Fact]
    public async Task Rejected_lease_requests_have_etcds_codes_and_texts()
    {
        await using var server = await ServerFixture.StartAsync();
        await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = 5 });

        await AssertErrorAsync(StatusCode.FailedPrecondition, "etcdserver: lease already exists",
            Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = 5 }));
        await AssertErrorAsync(StatusCode.OutOfRange, "etcdserver: too large lease TTL",
            Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 9_000_000_001 }));
        await AssertErrorAsync(StatusCode.NotFound, "etcdserver: requested lease not found",
            Leases(server).LeaseRevokeAsync(new LeaseRevokeRequest { ID = 6 }));
    }

    [Fact]
    public async Task Time_to_live_lists_the_keys_and_is_minus_one_for_an_unknown_lease()
    {
        await using var server = await ServerFixture.StartAsync();
        await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = 5 });
        await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("a"), Lease = 5 });

        var known = await Leases(server).LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 5, Keys = true });
        var unknown = await Leases(server).LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 6, Keys = true });
        var all = await Leases(server).LeaseLeasesAsync(new LeaseLeasesRequest());

        Assert.Equal((60, 2), (known.GrantedTTL, known.Header.Revision));
        Assert.InRange(known.TTL, 30, 60);
        Assert.Equal([ServerFixture.Utf8("a")], known.Keys);
        Assert.Equal((-1, 0, 6), (unknown.TTL, unknown.GrantedTTL, unknown.ID));
        Assert.Equal(5, Assert.Single(all.Leases).ID);
    }

    [Fact]
    public async Task Keep_alive_returns_the_TTL_or_0_for_an_unknown_lease()
    {
        await using var server = await ServerFixture.StartAsync();
        await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = 5 });
        using var stream = Leases(server).LeaseKeepAlive();

        foreach (var (id, ttl) in ((long, long)[])[(6, 0), (5, 60), (5, 60)])
        {
            await stream.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = id });
            Assert.True(await stream.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal((id, ttl, 1),
                (stream.ResponseStream.Current.ID, stream.ResponseStream.Current.TTL, stream.ResponseStream.Current.Header.Revision));
        }

        await stream.RequestStream.CompleteAsync();
        Assert.False(await stream.ResponseStream.MoveNext(CancellationToken.None));
    }

    /// <summary>etcd #11886: a client renews all its leases on one stream, and sends all requests before it reads a response.</summary>
    [Fact]
    public async Task Keep_alives_of_one_stream_are_committed_together_and_answered_in_order()
    {
        const int count = 3_000;
        await using var server = await ServerFixture.StartAsync();
        for (var id = 1; id <= count; id += 3)
            await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60, ID = id });
        var entriesBefore = server.Server.Status.LastIndex;
        using var stream = Leases(server).LeaseKeepAlive();

        var sending = Task.Run(async () =>
        {
            for (var id = 1; id <= count; id++)
                await stream.RequestStream.WriteAsync(new LeaseKeepAliveRequest { ID = id });
            await stream.RequestStream.CompleteAsync();
        });
        for (var id = 1; id <= count; id++)
        {
            Assert.True(await stream.ResponseStream.MoveNext(CancellationToken.None));
            Assert.Equal((id, id % 3 == 1 ? 60 : 0), (stream.ResponseStream.Current.ID, stream.ResponseStream.Current.TTL));
        }

        await sending;
        Assert.False(await stream.ResponseStream.MoveNext(CancellationToken.None));
        Assert.InRange(server.Server.Status.LastIndex - entriesBefore, 1, count / 3);
    }

    [Fact]
    public async Task An_expired_lease_deletes_its_keys_in_one_revision()
    {
        await using var server = await ServerFixture.StartAsync();
        await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 1, ID = 5 });
        await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("a"), Lease = 5 });
        await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("b"), Lease = 5 });
        using var watch = new TestWatchStream(server.Channel);
        await watch.CreateAndConfirmAsync("a", "z", from: 4);

        Assert.Equal("-a=@4 -b=@4", await watch.NextEventsAsync());
        Assert.Equal(-1, (await Leases(server).LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 5 })).TTL);
    }

    [Fact]
    public async Task A_lease_survives_a_restart_with_its_keys()
    {
        using var directory = new TemporaryDirectory();
        var dataDirectoryFlag = $"--data-dir={directory.Path}/data";
        await using (var server = await ServerFixture.StartAsync(dataDirectoryFlag))
        {
            await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 1000, ID = 5 });
            await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("a"), Lease = 5 });
        }

        await using var again = await ServerFixture.StartAsync(dataDirectoryFlag);
        var lease = await Leases(again).LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 5, Keys = true });

        Assert.Equal((1000, 1), (lease.GrantedTTL, lease.Keys.Count));
        Assert.InRange(lease.TTL, 900, 1000);
    }

    /// <summary>
    /// Without the lease clock a server that restarts more often than the TTL would never end a lease: it knows no renewal's time.
    /// </summary>
    [Fact]
    public async Task The_time_of_a_lease_goes_on_across_restarts()
    {
        using var directory = new TemporaryDirectory();
        var dataDirectoryFlag = $"--data-dir={directory.Path}/data";
        await using (var server = await ServerFixture.StartAsync(dataDirectoryFlag))
        {
            await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 1000, ID = 5 });
            await Eventually.IsTrueAsync(async () => await RemainingAsync(server) <= 995, "five seconds of the TTL have passed");
        }

        var sinceRestart = Stopwatch.StartNew();
        await using var again = await ServerFixture.StartAsync(dataDirectoryFlag);

        await Eventually.IsTrueAsync(
            async () => await RemainingAsync(again) + sinceRestart.Elapsed.TotalSeconds < 998.5,
            "the restarted server counts more time than has passed since the restart");

        static async Task<long> RemainingAsync(RunningServer server) =>
            (await Leases(server).LeaseTimeToLiveAsync(new LeaseTimeToLiveRequest { ID = 5 })).TTL;
    }

    [Fact]
    public async Task The_maintenance_hash_covers_leases()
    {
        await using var server = await ServerFixture.StartAsync();
        var maintenance = new Maintenance.MaintenanceClient(server.Channel);

        Assert.Empty((await maintenance.AlarmAsync(new AlarmRequest())).Alarms);
        Assert.Empty((await maintenance.AlarmAsync(new AlarmRequest { Action = AlarmRequest.Types.AlarmAction.Deactivate })).Alarms);
        await maintenance.DefragmentAsync(new DefragmentRequest());
        var before = await maintenance.HashAsync(new HashRequest());
        await Leases(server).LeaseGrantAsync(new LeaseGrantRequest { TTL = 60 });
        Assert.NotEqual(before.Hash, (await maintenance.HashAsync(new HashRequest())).Hash);
    }

    private static Lease.LeaseClient Leases(RunningServer server) => new(server.Channel);

    private static async Task AssertErrorAsync<T>(StatusCode code, string message, AsyncUnaryCall<T> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () => await call);
        Assert.Equal((code, message), (error.StatusCode, error.Status.Detail));
    }
}
