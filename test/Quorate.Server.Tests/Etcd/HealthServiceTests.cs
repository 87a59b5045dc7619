using Grpc.Core;
using Quorate.Server.Protos;
using ServingStatus = Quorate.Server.Protos.HealthCheckResponse.Types.ServingStatus;

namespace Quorate.Server.Tests.Etcd;

/// <summary>gRPC's health checking protocol, as load balancers and kubelet's gRPC probes use it.</summary>
public sealed class HealthServiceTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("")]
    [InlineData("readyz")]
    [InlineData("livez")]
    public async Task A_member_with_a_leader_is_serving(string service)
    {
        await using var server = await ServerFixture.StartAsync();
        var health = new Health.HealthClient(server.Channel);
        using var watch = health.Watch(new HealthCheckRequest { Service = service });

        Assert.Equal(ServingStatus.Serving, (await health.CheckAsync(new HealthCheckRequest { Service = service })).Status);
        Assert.Equal(ServingStatus.Serving, (await health.ListAsync(new HealthListRequest())).Statuses[service].Status);
        Assert.True(await watch.ResponseStream.MoveNext().WaitAsync(Limit));
        Assert.Equal(ServingStatus.Serving, watch.ResponseStream.Current.Status);
    }

    [Theory]
    [InlineData("", ServingStatus.NotServing)]
    [InlineData("readyz", ServingStatus.NotServing)]
    [InlineData("livez", ServingStatus.Serving)]
    public async Task A_member_without_a_quorum_is_live_but_not_ready(string service, ServingStatus expected)
    {
        await using var server = await ServerFixture.StartWithoutQuorumAsync();
        var health = new Health.HealthClient(server.Channel);
        using var watch = health.Watch(new HealthCheckRequest { Service = service });

        Assert.Equal(expected, (await health.CheckAsync(new HealthCheckRequest { Service = service })).Status);
        Assert.Equal(expected, (await health.ListAsync(new HealthListRequest())).Statuses[service].Status);
        Assert.True(await watch.ResponseStream.MoveNext().WaitAsync(Limit));
        Assert.Equal(expected, watch.ResponseStream.Current.Status);
    }

    [Fact]
    public async Task The_health_of_another_service_is_unknown()
    {
        await using var server = await ServerFixture.StartAsync();
        var health = new Health.HealthClient(server.Channel);
        using var watch = health.Watch(new HealthCheckRequest { Service = "other" });

        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await health.CheckAsync(new HealthCheckRequest { Service = "other" }));

        Assert.Equal((StatusCode.NotFound, "unknown service"), (error.StatusCode, error.Status.Detail));
        Assert.True(await watch.ResponseStream.MoveNext().WaitAsync(Limit));
        Assert.Equal(ServingStatus.ServiceUnknown, watch.ResponseStream.Current.Status);
    }
}
