using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Etcd;

/// <summary>Headers, keys, members and status as etcd v3 has them.</summary>
public sealed class AnswersAreEtcds
{
    [Fact]
    public async Task A_put_can_be_read_back_with_its_revisions_and_header()
    {
        await using var server = await Given.ServerAsync();
        await server.Kv.PutAsync(new PutRequest { Key = Given.Bytes("k"), Value = Given.Bytes("v1") });
        var put = await server.Kv.PutAsync(new PutRequest { Key = Given.Bytes("k"), Value = Given.Bytes("v2"), PrevKv = true });

        var range = await server.Kv.RangeAsync(new RangeRequest { Key = Given.Bytes("k") });

        var kv = Assert.Single(range.Kvs);
        Assert.Equal("v1", put.PrevKv.Value.ToStringUtf8());
        Assert.Equal(("v2", 2, 3, 2), (kv.Value.ToStringUtf8(), kv.CreateRevision, kv.ModRevision, kv.Version));
        Assert.Equal(3, range.Header.Revision);
        Assert.Equal(server.Server.Settings.ClusterId, range.Header.ClusterId);
        Assert.Equal(server.Server.Settings.Self.Id.Value, range.Header.MemberId);
        Assert.True(range.Header.RaftTerm > 0);
    }

    [Fact]
    public async Task Within_a_transaction_headers_say_the_revision_alone()
    {
        await using var server = await Given.ServerAsync();
        var txn = await server.Kv.TxnAsync(new TxnRequest
        {
            Success =
            {
                new RequestOp { RequestRange = new RangeRequest { Key = Given.Bytes("k") } },
                new RequestOp { RequestPut = new PutRequest { Key = Given.Bytes("k"), Value = Given.Bytes("v") } },
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
        await using var server = await Given.ServerAsync();
        var cluster = new Cluster.ClusterClient(server.Channel);
        MemberListResponse list = new();
        await Eventually.HoldsAsync(() => (list = cluster.MemberList(new MemberListRequest { Linearizable = true })).Members is [{ Name.Length: > 0 }], "it is announced");

        Assert.Equal("n0", list.Members[0].Name);
        Assert.Equal([server.Url], list.Members[0].ClientURLs);
        Assert.Equal(["http://127.0.0.1:1"], list.Members[0].PeerURLs);
        Assert.Equal(0, list.Header.Revision);
    }

    [Fact]
    public async Task Status_names_the_leader_and_a_version_that_clients_can_parse()
    {
        await using var server = await Given.ServerAsync();
        await server.Kv.PutAsync(new PutRequest { Key = Given.Bytes("k") });

        var status = await new Maintenance.MaintenanceClient(server.Channel).StatusAsync(new StatusRequest());

        Assert.Equal(server.Server.Settings.Self.Id.Value, status.Leader);
        Assert.True(Version.TryParse(status.Version, out _));
        Assert.True(status is { RaftIndex: > 0, RaftAppliedIndex: > 0, RaftTerm: > 0, DbSize: > 0 });
        Assert.Empty(status.Errors);
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart()
    {
        using var folder = new TemporaryFolder();
        var place = $"--data-dir={folder.Path}/data";
        await using (var server = await Given.ServerAsync(place))
            await server.Kv.PutAsync(new PutRequest { Key = Given.Bytes("k"), Value = Given.Bytes("v") });

        await using var again = await Given.ServerAsync(place);
        var range = await again.Kv.RangeAsync(new RangeRequest { Key = Given.Bytes("k") });

        Assert.Equal("v", Assert.Single(range.Kvs).Value.ToStringUtf8());
        Assert.Equal(2, range.Header.Revision);
    }
}
