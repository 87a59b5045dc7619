namespace Quorate.Server.Tests.Processes;

/// <summary>Processes that are started with the same <c>--initial-cluster</c> form one cluster.</summary>
[Collection(ProcessesCollection.Name)]
public sealed class ClusterBootstrapTests
{
    [Theory]
    [InlineData(3, new[] { 3, 1, 2 })]
    [InlineData(5, new[] { 2, 5, 1, 4, 3 })]
    public async Task Members_started_in_any_order_form_one_cluster(int size, int[] order)
    {
        await using var cluster = ServerCluster.CreateStopped(size);
        foreach (var number in order)
            cluster.Start(number);
        foreach (var number in order)
            await cluster.WaitUntilReadyAsync(number);

        await EtcdCtl.OkAsync(cluster.Endpoint(order[0]), "put", "k", "v");

        foreach (var number in cluster.Numbers)
            Assert.Equal("k\nv", await EtcdCtl.OkAsync(cluster.Endpoint(number), "get", "k"));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public async Task A_member_that_is_started_late_joins(int size)
    {
        await using var cluster = ServerCluster.CreateStopped(size);
        for (var number = 1; number < size; number++)
            cluster.Start(number);
        await cluster.WaitUntilReadyAsync(1);
        await EtcdCtl.OkAsync(cluster.Endpoint(1), "put", "before", "it came");

        cluster.Start(size);
        await cluster.WaitUntilReadyAsync(size);

        Assert.Equal("before\nit came", await EtcdCtl.OkAsync(cluster.Endpoint(size), "get", "before"));
    }

    [Theory]
    [InlineData(new[] { 2, 3, 1 }, new[] { 1, 3, 2 })]
    [InlineData(new[] { 4, 2, 5, 1, 3 }, new[] { 5, 1, 4, 3, 2 })]
    public async Task Members_restarted_in_another_order_keep_their_data(int[] killed, int[] started)
    {
        await using var cluster = await ServerCluster.StartAsync(killed.Length);
        for (var i = 0; i < 20; i++)
            await EtcdCtl.OkAsync(cluster.Endpoint(i % killed.Length + 1), "put", $"k{i}", $"v{i}");

        foreach (var number in killed)
            await cluster.KillAsync(number);
        foreach (var number in started)
            cluster.Start(number);

        foreach (var number in cluster.Numbers)
        {
            await cluster.WaitUntilReadyAsync(number);
            for (var i = 0; i < 20; i++)
                Assert.Equal($"k{i}\nv{i}", await EtcdCtl.OkAsync(cluster.Endpoint(number), "get", $"k{i}"));
        }
    }
}
