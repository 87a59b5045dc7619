using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Etcd;

/// <summary>Headers, keys, members and status are those of etcd v3.</summary>
public sealed class KvCompatibilityTests
{
    [Fact]
    public async Task A_put_can_be_read_back_with_its_revisions_and_header()
    {
        await using var server = await ServerFixture.StartAsync();
        await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("k"), Value = ServerFixture.Utf8("v1") });
        var put =
            await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("k"), Value = ServerFixture.Utf8("v2"), PrevKv = true });

        var range = await server.Kv.RangeAsync(new RangeRequest { Key = ServerFixture.Utf8("k") });

        var kv = Assert.Single(range.Kvs);
        Assert.Equal("v1", put.PrevKv.Value.ToStringUtf8());
        Assert.Equal(("v2", 2, 3, 2), (kv.Value.ToStringUtf8(), kv.CreateRevision, kv.ModRevision, kv.Version));
        Assert.Equal(3, range.Header.Revision);
        Assert.Equal(server.Server.Settings.ClusterId, range.Header.ClusterId);
        Assert.Equal(server.Server.Settings.Self.Id.Value, range.Header.MemberId);
        Assert.True(range.Header.RaftTerm > 0);
    }

    [Fact]
    public async Task Headers_within_a_transaction_hold_only_the_revision()
    {
        await using var server = await ServerFixture.StartAsync();
        var txn = await server.Kv.TxnAsync(new TxnRequest
        {
            Success =
            {
                new RequestOp { RequestRange = new RangeRequest { Key = ServerFixture.Utf8("k") } },
                new RequestOp { RequestPut = new PutRequest { Key = ServerFixture.Utf8("k"), Value = ServerFixture.Utf8("v") } },
                new RequestOp { RequestTxn = new TxnRequest() },
            },
        });

        Assert.Equal(2, txn.Header.Revision);
        Assert.Equal(new ResponseHeader { Revision = 1 }, txn.Responses[0].ResponseRange.Header);
        Assert.Equal(new ResponseHeader { Revision = 2 }, txn.Responses[1].ResponsePut.Header);
        Assert.Equal(new ResponseHeader(), txn.Responses[2].ResponseTxn.Header);
    }

    [Fact]
    public async Task A_member_announces_its_name_and_client_URL()
    {
        await using var server = await ServerFixture.StartAsync();
        var cluster = new Cluster.ClusterClient(server.Channel);
        MemberListResponse list = new();
        await Eventually.IsTrueAsync(
            () => (list = cluster.MemberList(new MemberListRequest { Linearizable = true })).Members is [{ Name.Length: > 0 }],
            "the member publishes its name");

        Assert.Equal("n0", list.Members[0].Name);
        Assert.Equal([server.Url], list.Members[0].ClientURLs);
        Assert.Equal(["http://127.0.0.1:1"], list.Members[0].PeerURLs);
        Assert.Equal(0, list.Header.Revision);
    }

    [Fact]
    public async Task Status_names_the_leader_and_a_version_that_clients_can_parse()
    {
        await using var server = await ServerFixture.StartAsync();
        await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("k") });

        var status = await new Maintenance.MaintenanceClient(server.Channel).StatusAsync(new StatusRequest());

        Assert.Equal(server.Server.Settings.Self.Id.Value, status.Leader);
        Assert.True(Version.TryParse(status.Version, out _));
        Assert.True(status is { RaftIndex: > 0, RaftAppliedIndex: > 0, RaftTerm: > 0, DbSize: > 0 });
        Assert.Empty(status.Errors);
    }

    [Fact]
    public async Task An_acknowledged_write_survives_a_restart()
    {
        using var directory = new TemporaryDirectory();
        var dataDirectoryFlag = $"--data-dir={directory.Path}/data";
        await using (var server = await ServerFixture.StartAsync(dataDirectoryFlag))
            await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("k"), Value = ServerFixture.Utf8("v") });

        await using var again = await ServerFixture.StartAsync(dataDirectoryFlag);
        var range = await again.Kv.RangeAsync(new RangeRequest { Key = ServerFixture.Utf8("k") });

        Assert.Equal("v", Assert.Single(range.Kvs).Value.ToStringUtf8());
        Assert.Equal(2, range.Header.Revision);
    }
}
