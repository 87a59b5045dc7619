using dotnet_etcd;
using Etcdserverpb;
using Grpc.Core;

namespace Quorate.Server.Tests.Processes;

/// <summary>NuGet's unmodified dotnet-etcd against three members.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class ThirdPartyClientTests
{
    [Fact]
    public async Task The_client_puts_gets_deletes_and_transacts_on_every_member()
    {
        await using var cluster = await ServerCluster.StartAsync(3);
        foreach (var number in cluster.Numbers)
            await ExerciseAsync($"http://{cluster.Endpoint(number)}", $"m{number}/");
    }

    [Fact]
    public async Task A_client_with_all_endpoints_survives_the_loss_of_the_leader()
    {
        await using var cluster = await ServerCluster.StartAsync(3);
        using var client = Connect(string.Join(',', cluster.Numbers.Select(n => $"http://{cluster.Endpoint(n)}")));
        await client.PutAsync("k", "before", cancellationToken: TestContext.Current.CancellationToken);

        await cluster.KillAsync(await cluster.WaitForLeaderAsync());

        await RetryAsync(() => client.PutAsync("k", "after", deadline: DateTime.UtcNow.AddSeconds(2)));
        await RetryAsync(async () => Assert.Equal("after", await client.GetValAsync("k", deadline: DateTime.UtcNow.AddSeconds(2))));
    }

    private static async Task ExerciseAsync(string url, string prefix)
    {
        using var client = Connect(url);
        var key = prefix + "k";

        var put = await client.PutAsync(key, "1");
        Assert.Equal("1", await client.GetValAsync(key));
        Assert.Equal(put.Header.Revision, Assert.Single((await client.GetAsync(key)).Kvs).ModRevision);
        Assert.Empty((await client.GetAsync(prefix + "missing")).Kvs);

        await client.PutAsync(prefix + "l", "2");
        Assert.Equal([key, prefix + "l"], (await client.GetRangeAsync(prefix)).Kvs.Select(kv => kv.Key.ToStringUtf8()));

        Assert.True((await client.TransactionAsync(CompareAndPut(key, "1", "3"))).Succeeded);
        Assert.False((await client.TransactionAsync(CompareAndPut(key, "1", "4"))).Succeeded);
        Assert.Equal("3", await client.GetValAsync(key));

        Assert.Equal(1, (await client.DeleteAsync(key)).Deleted);
        Assert.Equal(0, (await client.DeleteAsync(key)).Deleted);
        Assert.Equal(1, (await client.DeleteRangeAsync(prefix)).Deleted);

        var error = await Assert.ThrowsAsync<RpcException>(() => client.PutAsync("", "value without a key"));
        Assert.Equal("etcdserver: key is not provided", error.Status.Detail);
    }

    private static TxnRequest CompareAndPut(string key, string expected, string value) => new()
    {
        Compare =
        {
            new Compare
            {
                Key = key.ToByteString(), Target = Compare.Types.CompareTarget.Value, Result = Compare.Types.CompareResult.Equal,
                Value = expected.ToByteString()
            },
        },
        Success = { new RequestOp { RequestPut = new PutRequest { Key = key.ToByteString(), Value = value.ToByteString() } } },
        Failure = { new RequestOp { RequestRange = new RangeRequest { Key = key.ToByteString() } } },
    };

    private static EtcdClient Connect(string urls) =>
        new(urls, configureChannelOptions: options => options.Credentials = ChannelCredentials.Insecure);

    /// <summary>Requests of any client may fail while a member is killed; they must succeed again afterwards.</summary>
    private static async Task RetryAsync(Func<Task> action)
    {
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (true)
        {
            try
            {
                await action();
                return;
            }
            catch (RpcException) when (DateTime.UtcNow < deadline)
            {
                await Task.Delay(50);
            }
        }
    }
}
