using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Etcd;

/// <summary>Clients match on codes and texts, so they are etcd's to the letter.</summary>
public sealed class ErrorsAreEtcds
{
    [Fact]
    public async Task Refusals_of_the_store_and_of_the_checks_before_it()
    {
        await using var server = await Given.ServerAsync();
        var kv = server.Kv;
        await kv.PutAsync(new PutRequest { Key = Given.Bytes("a"), Value = Given.Bytes("1") });

        await RefusedAsync(StatusCode.InvalidArgument, "etcdserver: key is not provided", () => kv.PutAsync(new PutRequest()));
        await RefusedAsync(StatusCode.InvalidArgument, "etcdserver: key is not provided", () => kv.RangeAsync(new RangeRequest()));
        await RefusedAsync(
            StatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision",
            () => kv.RangeAsync(new RangeRequest { Key = Given.Bytes("a"), Revision = 99 }));
        await RefusedAsync(
            StatusCode.NotFound, "etcdserver: requested lease not found", () => kv.PutAsync(new PutRequest { Key = Given.Bytes("a"), Lease = 5 }));
        await RefusedAsync(
            StatusCode.InvalidArgument, "etcdserver: invalid sort option",
            () => kv.RangeAsync(new RangeRequest { Key = Given.Bytes("a"), SortOrder = (RangeRequest.Types.SortOrder)7 }));
        await RefusedAsync(
            StatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision", () => kv.CompactAsync(new CompactionRequest { Revision = 99 }));
    }

    [Fact]
    public async Task A_value_over_the_request_limit_and_a_message_over_the_transports()
    {
        await using var server = await Given.ServerAsync();

        await RefusedAsync(
            StatusCode.InvalidArgument, "etcdserver: request is too large",
            () => server.Kv.PutAsync(new PutRequest { Key = Given.Bytes("k"), Value = ByteString.CopyFrom(new byte[1_572_864]) }));
        await RefusedAsync(
            StatusCode.ResourceExhausted, "grpc: received message larger than max (2200010 vs. 2097152)",
            () => server.Kv.PutAsync(new PutRequest { Key = Given.Bytes("k"), Value = ByteString.CopyFrom(new byte[2_200_002]) }));
        var range = await server.Kv.RangeAsync(new RangeRequest { Key = Given.Bytes("k") });
        Assert.Empty(range.Kvs);
    }

    [Fact]
    public async Task A_transaction_of_more_operations_than_allowed()
    {
        await using var server = await Given.ServerAsync("--max-txn-ops=3");
        var txn = new TxnRequest();
        for (var i = 0; i < 4; i++)
            txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = Given.Bytes($"k{i}") } });

        await RefusedAsync(StatusCode.InvalidArgument, "etcdserver: too many operations in txn request", () => server.Kv.TxnAsync(txn));
    }

    [Fact]
    public async Task What_is_not_served_says_so()
    {
        await using var server = await Given.ServerAsync();

        var refused = await Assert.ThrowsAsync<RpcException>(async () => await new Maintenance.MaintenanceClient(server.Channel).MoveLeaderAsync(new MoveLeaderRequest()));

        Assert.Equal(StatusCode.Unimplemented, refused.StatusCode);
    }

    private static async Task RefusedAsync<T>(StatusCode code, string message, Func<AsyncUnaryCall<T>> call)
    {
        var refused = await Assert.ThrowsAsync<RpcException>(async () => await call());

        Assert.Equal(message, refused.Status.Detail);
        Assert.Equal(code, refused.StatusCode);
    }
}
