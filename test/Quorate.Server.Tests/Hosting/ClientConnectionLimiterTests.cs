using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Quorate.Server.Hosting;

namespace Quorate.Server.Tests.Hosting;

/// <summary>Client connections are bounded, and a connection counts for exactly as long as it is open.</summary>
public sealed partial class ClientConnectionLimiterTests
{
    private const int ConnectionsMax = 4;

    [Theory]
    [InlineData(null, 0, 65_536)]
    [InlineData(1_048_576, 150, 65_536)]
    [InlineData(1024, 150, 1024 - 150 - 48 - 64)]
    [InlineData(256, 150, 256 - 150 - 48 - 16)]
    [InlineData(256, 30, 256 - 30 - 48 - 44)]
    [InlineData(100, 150, 16)]
    public void The_maximum_leaves_a_reserve_of_descriptors(int? limit, int open, int connections) =>
        Assert.Equal(connections, ClientConnectionLimiter.FromOpenFileLimit(limit, open).ConnectionsMax);

    [Fact]
    public void A_connection_with_one_of_the_last_descriptors_is_refused_and_not_counted()
    {
        var limiter = ClientConnectionLimiter.FromOpenFileLimit(1024, open: 150);

        Assert.True(limiter.TryAcquire(1024 - 64));
        Assert.False(limiter.TryAcquire(1024 - 63));
        Assert.Equal(1, limiter.Count);
    }

    /// <summary>After many times the limit of connections that have ended, as many are accepted as at the start.</summary>
    [Fact]
    public async Task A_connection_that_ends_before_its_first_request_gives_its_place_back()
    {
        var limiter = new ClientConnectionLimiter(ConnectionsMax, int.MaxValue);
        await using var mux = ProtocolMux.Open(new IPEndPoint(IPAddress.Loopback, 0), NullLogger.Instance);
        mux.Start(limiter);
        for (var round = 0; round < 5; round++)
        {
            var open = new List<TcpClient>();
            for (var i = 0; i < ConnectionsMax; i++)
                open.Add(await ConnectAsync(mux.Address));
            await Eventually.IsTrueAsync(() => limiter.Count == ConnectionsMax, "all are counted");

            using var refused = await ConnectAsync(mux.Address);
            await AssertClosedAsync(refused);
            Assert.Equal(ConnectionsMax, limiter.Count);

            foreach (var connection in open)
                connection.Dispose();
            await Eventually.IsTrueAsync(() => limiter.Count == 0, "closed connections no longer count");
        }
    }

    [Theory]
    [InlineData("GET /version HTTP/1.1\r\nHost: x\r\n\r\n")]
    [InlineData("GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnoise instead of frames, long enough for a frame header")]
    [InlineData("noise\r\n\r\n")]
    public async Task A_connection_that_was_served_gives_its_place_back(string bytes)
    {
        await using var server = await ServerFixture.StartAsync();
        var before = await ConnectionsAsync(server);

        var clients = new List<TcpClient>();
        for (var i = 0; i < 20; i++)
        {
            clients.Add(await ConnectAsync(new IPEndPoint(IPAddress.Loopback, new Uri(server.Url).Port)));
            await clients[i].GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(bytes));
            Assert.NotEqual(-1, await clients[i].GetStream().ReadAsync(new byte[1]));
        }

        foreach (var client in clients)
            client.Dispose();
        var deadline = Environment.TickCount64 + 30_000;
        while (await ConnectionsAsync(server) is var open && open != before)
        {
            Assert.True(Environment.TickCount64 < deadline, $"{open} connections are counted, {before} before");
            await Task.Delay(10);
        }
    }

    [Fact]
    public void The_limit_of_open_files_is_read()
    {
        Assert.Equal(1024, OpenFileLimit.Parse(
            ["Limit                     Soft Limit           Hard Limit           Units",
             "Max open files            1024                 524288               files"]));
        Assert.Null(OpenFileLimit.Parse(["Max open files            unlimited            unlimited            files"]));
        Assert.Null(OpenFileLimit.Parse([]));
        Assert.True(!OperatingSystem.IsLinux() || OpenFileLimit.Read() > OpenFileLimit.CountOpen());
    }

    private static async Task<int> ConnectionsAsync(RunningServer server) => int.Parse(
        Connections().Match(await server.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative))).Groups[1].Value);

    private static async Task<TcpClient> ConnectAsync(EndPoint server)
    {
        var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)server);
        return client;
    }

    private static async Task AssertClosedAsync(TcpClient client)
    {
        try
        {
            Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1]));
        }
        catch (IOException)
        {
            // A reset is as good.
        }
    }

    [GeneratedRegex("^quorate_server_client_connections ([0-9]+)$", RegexOptions.Multiline)]
    private static partial Regex Connections();
}
