using System.Net;
using System.Net.Sockets;
using System.Text;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Hosting;

/// <summary>etcd's clients expect gRPC, JSON and probes on the same clear-text port.</summary>
public sealed class ProtocolMuxTests
{
    [Fact]
    public async Task One_port_serves_gRPC_and_HTTP_1_1_and_HTTP_2()
    {
        await using var server = await ServerFixture.StartAsync();

        var put = await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8("k"), Value = ServerFixture.Utf8("v") });
        using var http1 = await server.Http.GetAsync(new Uri("/version", UriKind.Relative));
        using var request =
            new HttpRequestMessage(HttpMethod.Get, "/version")
            {
                Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact
            };
        using var http2 = await server.Http.SendAsync(request);

        Assert.Equal(2, put.Header.Revision);
        Assert.Equal(HttpVersion.Version11, http1.Version);
        Assert.Equal(HttpVersion.Version20, http2.Version);
        Assert.Contains("\"etcdserver\":\"3.", await http1.Content.ReadAsStringAsync());
        Assert.Equal(await http1.Content.ReadAsStringAsync(), await http2.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_request_sent_byte_by_byte_is_recognized()
    {
        await using var server = await ServerFixture.StartAsync();
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, new Uri(server.Url).Port);
        var stream = client.GetStream();

        // PRI… is the preface of HTTP/2; PUT… is not, and differs from it only at the second byte.
        foreach (var b in "PUT /version HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray())
            await stream.WriteAsync(new[] { b });
        var response = await new StreamReader(stream, Encoding.ASCII).ReadToEndAsync();

        Assert.StartsWith("HTTP/1.1 200", response);
    }

    [Fact]
    public async Task The_server_serves_requests_after_connections_closed_before_the_preface()
    {
        await using var server = await ServerFixture.StartAsync();
        for (var i = 0; i < 20; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, new Uri(server.Url).Port);
            if (i % 2 == 0)
                await client.GetStream().WriteAsync("PRI * "u8.ToArray());
        }

        Assert.Contains("true", await server.Http.GetStringAsync(new Uri("/health", UriKind.Relative)));
    }

    [Fact]
    public async Task A_port_in_use_is_rejected_before_the_data_directory_is_created()
    {
        await using var server = await ServerFixture.StartAsync();
        using var directory = new TemporaryDirectory();

        var error = await Assert.ThrowsAsync<StartupException>(() =>
            ServerFixture.StartAsync($"--listen-client-urls={server.Url}", $"--data-dir={directory.Path}/second"));

        Assert.Equal(StartupErrorKind.Failed, error.Kind);
        Assert.Contains(new Uri(server.Url).Port.ToString(), error.What);
        Assert.Contains("another process uses that port", error.Why);
        Assert.False(Directory.Exists(directory.Path + "/second"));
    }
}
