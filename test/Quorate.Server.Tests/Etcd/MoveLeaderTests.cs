using System.Net;
using System.Text;
using Grpc.Core;
using Quorate.Node;
using Quorate.Raft;
using Quorate.Server.Etcd;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Etcd;

/// <summary>Maintenance.MoveLeader and its path of the gateway: etcd's errors, and ours where etcd lets the call time out.</summary>
public sealed class MoveLeaderTests
{
    private const ulong Self = 1;
    private const ulong Other = 0xab;

    [Fact]
    public async Task A_member_that_does_not_lead_refuses_whatever_the_target_is()
    {
        var node = new FakeRaftNode { Status = new RaftStatus { NodeId = new NodeId(2), Role = Role.Follower, Leader = new NodeId(Self) } };

        Assert.Equal((StatusCode.FailedPrecondition, "etcdserver: not leader"), await GetErrorAsync(node, target: 0));

        Assert.Empty(node.TransferTargets);
    }

    [Fact]
    public async Task Member_0_is_no_member_and_not_a_choice_of_the_leader()
    {
        var node = Leader(default);

        Assert.Equal((StatusCode.FailedPrecondition, "etcdserver: bad leader transferee"), await GetErrorAsync(node, target: 0));

        Assert.Empty(node.TransferTargets);
    }

    [Fact]
    public async Task A_completed_transfer_has_an_empty_response()
    {
        var node = Leader(default);

        var response = await Service(node).MoveLeaderAsync(new MoveLeaderRequest { TargetID = Other }, Context());

        Assert.Equal(0, response.CalculateSize());
        Assert.Equal(new NodeId(Other), Assert.Single(node.TransferTargets));
    }

    [Theory]
    [InlineData(TransferFailure.NotLeader, StatusCode.FailedPrecondition, "etcdserver: not leader")]
    [InlineData(TransferFailure.UnknownMember, StatusCode.FailedPrecondition, "etcdserver: bad leader transferee")]
    [InlineData(TransferFailure.NotVoter, StatusCode.FailedPrecondition, "etcdserver: bad leader transferee")]
    [InlineData(
        TransferFailure.NotSupported, StatusCode.FailedPrecondition,
        "quorate: a member of the cluster does not know leadership transfers; upgrade all members")]
    [InlineData(
        TransferFailure.InProgress, StatusCode.Unavailable,
        "quorate: another leadership transfer is in progress; try again when it has ended")]
    [InlineData(
        TransferFailure.TargetUnreachable, StatusCode.Unavailable,
        "quorate: leadership was not transferred: member ab does not reply")]
    [InlineData(
        TransferFailure.TargetLags, StatusCode.Unavailable, "quorate: leadership was not transferred: member ab lacks entries of the log")]
    [InlineData(TransferFailure.Expired, StatusCode.Unavailable, "etcdserver: request timed out, leader transfer took too long")]
    [InlineData(TransferFailure.AnotherLeader, StatusCode.Unavailable, "etcdserver: leader changed")]
    public async Task Each_failure_has_a_status(TransferFailure failure, StatusCode code, string text) =>
        Assert.Equal((code, text), await GetErrorAsync(Leader(new LeadershipTransferResult { Failure = failure }), Other));

    [Fact]
    public async Task The_gateway_serves_the_call()
    {
        await using var server = await ServerFixture.StartAsync();
        var self = server.Server.Status.NodeId.Value;

        Assert.Equal((HttpStatusCode.OK, "{ }"), await PostAsync(server, $"{{\"targetID\":\"{self}\"}}"));
        var (status, body) = await PostAsync(server, "{\"targetID\":\"1\"}");

        Assert.Equal(HttpStatusCode.PreconditionFailed, status);
        Assert.Contains("etcdserver: bad leader transferee", body, StringComparison.Ordinal);
    }

    private static FakeRaftNode Leader(LeadershipTransferResult result) => new()
    {
        Status = new RaftStatus { NodeId = new NodeId(Self), Role = Role.Leader, Leader = new NodeId(Self) },
        TransferResult = result,
    };

    private static async Task<(StatusCode, string)> GetErrorAsync(FakeRaftNode node, ulong target)
    {
        var error = await Assert.ThrowsAsync<RpcException>(
            () => Service(node).MoveLeaderAsync(new MoveLeaderRequest { TargetID = target }, Context()));
        return (error.StatusCode, error.Status.Detail);
    }

    private static RequestContext Context() => RequestContext.FromServer(CancellationToken.None);

    /// <summary>A service with only what this call uses.</summary>
    private static MaintenanceService Service(FakeRaftNode node) => new(node, null!, null!, null!, null!, null!);

    private static async Task<(HttpStatusCode, string)> PostAsync(RunningServer server, string json)
    {
        using var body = new StringContent(json, Encoding.UTF8);
        var response = await server.Http.PostAsync(new Uri("/v3/maintenance/transfer-leadership", UriKind.Relative), body);
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }
}
