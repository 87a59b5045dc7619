using System.Net;
using System.Net.Sockets;
using Quorate.Load.Proxy;

namespace Quorate.Load.Tests;

/// <summary>Connections over a slow link.</summary>
public sealed class PacedProxyTests
{
    [Fact]
    public async Task Bytes_pass_unchanged_in_both_directions_and_those_to_the_target_are_counted()
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        await using var proxy = new PacedProxy(
            new IPEndPoint(IPAddress.Loopback, 0), (IPEndPoint)target.LocalEndpoint, bytesPerSecond: 10e6);
        using var client = new TcpClient();
        await client.ConnectAsync(proxy.EndPoint);
        using var server = await target.AcceptTcpClientAsync();
        var sent = new byte[100_000];
        new Random(1).NextBytes(sent);

        Assert.Equal(sent, await TransferAsync(client, server, sent));
        Assert.Equal(sent.Length, proxy.Delivered);
        Assert.Equal(sent, await TransferAsync(server, client, sent));
        Assert.Equal(sent.Length, proxy.Delivered);
    }

    [Fact]
    public async Task A_connection_that_ends_on_one_side_ends_on_the_other()
    {
        using var target = new TcpListener(IPAddress.Loopback, 0);
        target.Start();
        await using var proxy = new PacedProxy(
            new IPEndPoint(IPAddress.Loopback, 0), (IPEndPoint)target.LocalEndpoint, double.PositiveInfinity);
        using var client = new TcpClient();
        await client.ConnectAsync(proxy.EndPoint);
        using var server = await target.AcceptTcpClientAsync();

        server.Close();

        Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1]));
    }

    private static async Task<byte[]> TransferAsync(TcpClient from, TcpClient to, byte[] bytes)
    {
        var received = new byte[bytes.Length];
        await Task.WhenAll(from.GetStream().WriteAsync(bytes).AsTask(), to.GetStream().ReadExactlyAsync(received).AsTask());
        return received;
    }
}
