using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Etcd;

/// <summary>Clients match on codes and texts, so both are exactly etcd's.</summary>
public sealed class ErrorCompatibilityTests
{
    [Fact]
    public async Task Rejected_requests_have_etcds_codes_and_texts()
    {
        await using var server = await ServerFixture.StartAsync();
        var kv = server.Kv;
        await kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("a"), Value = ServerFixture.Utf8("1") });

        await AssertErrorAsync(StatusCode.InvalidArgument, "etcdserver: key is not provided", () => kv.PutAsync(new PutRequest()));
        await AssertErrorAsync(StatusCode.InvalidArgument, "etcdserver: key is not provided", () => kv.RangeAsync(new RangeRequest()));
        await AssertErrorAsync(
            StatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision",
            () => kv.RangeAsync(new RangeRequest { Key = ServerFixture.Utf8("a"), Revision = 99 }));
        await AssertErrorAsync(
            StatusCode.NotFound, "etcdserver: requested lease not found",
            () => kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("a"), Lease = 5 }));
        await AssertErrorAsync(
            StatusCode.InvalidArgument, "etcdserver: invalid sort option",
            () => kv.RangeAsync(new RangeRequest { Key = ServerFixture.Utf8("a"), SortOrder = (RangeRequest.Types.SortOrder)7 }));
        await AssertErrorAsync(
            StatusCode.OutOfRange, "etcdserver: mvcc: required revision is a future revision",
            () => kv.CompactAsync(new CompactionRequest { Revision = 99 }));
    }

    [Fact]
    public async Task A_value_or_a_message_over_its_limit_is_rejected()
    {
        await using var server = await ServerFixture.StartAsync();

        await AssertErrorAsync(
            StatusCode.InvalidArgument, "etcdserver: request is too large",
            () => server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("k"), Value = ByteString.CopyFrom(new byte[1_572_864]) }));
        await AssertErrorAsync(
            StatusCode.ResourceExhausted, "grpc: received message larger than max (2200010 vs. 2097152)",
            () => server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("k"), Value = ByteString.CopyFrom(new byte[2_200_002]) }));
        var range = await server.Kv.RangeAsync(new RangeRequest { Key = ServerFixture.Utf8("k") });
        Assert.Empty(range.Kvs);
    }

    [Fact]
    public async Task A_transaction_with_too_many_operations_is_rejected()
    {
        await using var server = await ServerFixture.StartAsync("--max-txn-ops=3");
        var txn = new TxnRequest();
        for (var i = 0; i < 4; i++)
            txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = ServerFixture.Utf8($"k{i}") } });

        await AssertErrorAsync(StatusCode.InvalidArgument, "etcdserver: too many operations in txn request", () => server.Kv.TxnAsync(txn));
    }

    [Fact]
    public async Task An_unserved_call_returns_Unimplemented()
    {
        await using var server = await ServerFixture.StartAsync();

        var error = await Assert.ThrowsAsync<RpcException>(
            async () => await new Maintenance.MaintenanceClient(server.Channel).DowngradeAsync(new DowngradeRequest()));

        Assert.Equal(StatusCode.Unimplemented, error.StatusCode);
    }

    private static async Task AssertErrorAsync<T>(StatusCode code, string message, Func<AsyncUnaryCall<T>> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () => await call());

        Assert.Equal(message, error.Status.Detail);
        Assert.Equal(code, error.StatusCode);
    }
}
