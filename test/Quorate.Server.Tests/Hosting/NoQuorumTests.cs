using System.Net;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Hosting;

/// <summary>A single running member of three: it serves what needs no quorum, and rejects the rest with a clear error.</summary>
public sealed class NoQuorumTests
{
    [Fact]
    public async Task A_member_without_a_quorum_serves_only_what_needs_no_leader()
    {
        await using var server = await ServerFixture.StartWithoutQuorumAsync();
        var leaderWanted = new Metadata { { "hasleader", "true" } };

        var stale = await server.Kv.RangeAsync(new RangeRequest { Key = ServerFixture.Utf8("k"), Serializable = true });
        var status = await new Maintenance.MaintenanceClient(server.Channel).StatusAsync(new StatusRequest());
        var members = await new Cluster.ClusterClient(server.Channel).MemberListAsync(new MemberListRequest());
        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("k") }, leaderWanted));

        Assert.Equal(1, stale.Header.Revision);
        Assert.Equal(0ul, status.Leader);
        Assert.Equal(["etcdserver: no leader"], status.Errors);
        Assert.Equal(3, members.Members.Count);
        Assert.Equal((StatusCode.Unavailable, "etcdserver: no leader"), (error.StatusCode, error.Status.Detail));
    }

    [Fact]
    public async Task A_member_without_a_quorum_is_live_but_not_ready()
    {
        await using var server = await ServerFixture.StartWithoutQuorumAsync();

        using var alive = await server.Http.GetAsync(new Uri("/livez", UriKind.Relative));
        using var ready = await server.Http.GetAsync(new Uri("/readyz", UriKind.Relative));
        using var health = await server.Http.GetAsync(new Uri("/health", UriKind.Relative));

        Assert.Equal(HttpStatusCode.OK, alive.StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        var checks = await ready.Content.ReadAsStringAsync();
        Assert.Contains("[-]linearizable_read failed: etcdserver: no leader", checks);
        Assert.Contains("\ncluster: Critical, seen from n0: no leader is known for ", checks);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
        Assert.Equal("""{"health":"false","reason":"RAFT NO LEADER"}""", await health.Content.ReadAsStringAsync());
    }
}
