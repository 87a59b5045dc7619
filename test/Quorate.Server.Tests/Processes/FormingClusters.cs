namespace Quorate.Server.Tests.Processes;

/// <summary>How processes that are started with the same <c>--initial-cluster</c> become one cluster.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class FormingClusters
{
    [Theory]
    [InlineData(3, new[] { 3, 1, 2 })]
    [InlineData(5, new[] { 2, 5, 1, 4, 3 })]
    public async Task Started_in_any_order_they_form_one_cluster(int size, int[] order)
    {
        await using var cluster = ServerCluster.Stopped(size);
        foreach (var number in order)
            cluster.Start(number);
        foreach (var number in order)
            await cluster.UntilReadyAsync(number);

        await EtcdCtl.OkAsync(cluster.Endpoint(order[0]), "put", "k", "v");

        foreach (var number in cluster.Numbers)
            Assert.Equal("k\nv", await EtcdCtl.OkAsync(cluster.Endpoint(number), "get", "k"));
    }

    [Fact]
    public async Task One_that_is_started_late_joins_in()
    {
        await using var cluster = ServerCluster.Stopped(3);
        cluster.Start(1);
        cluster.Start(2);
        await cluster.UntilReadyAsync(1);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "before", "it came");

        cluster.Start(3);
        await cluster.UntilReadyAsync(3);

        Assert.Equal("before\nit came", await EtcdCtl.OkAsync(cluster.Endpoint(3), "get", "before"));
    }

    [Fact]
    public async Task All_restarted_in_another_order_come_back_with_the_same_data()
    {
        await using var cluster = await ServerCluster.StartAsync(3);
        for (var i = 0; i < 20; i++)
            await EtcdCtl.OkAsync(cluster.Endpoint(i % 3 + 1), "put", $"k{i}", $"v{i}");

        foreach (var number in new[] { 2, 3, 1 })
            await cluster.KillAsync(number);
        foreach (var number in new[] { 1, 3, 2 })
            cluster.Start(number);

        foreach (var number in cluster.Numbers)
        {
            await cluster.UntilReadyAsync(number);
            for (var i = 0; i < 20; i++)
                Assert.Equal($"k{i}\nv{i}", await EtcdCtl.OkAsync(cluster.Endpoint(number), "get", $"k{i}"));
        }
    }
}
