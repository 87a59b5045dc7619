using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Quorate.Server.Hosting;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Hosting;

/// <summary>The server answers calls with every authority, scheme and header byte that etcd's server answers.</summary>
public sealed class RequestHeaderTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("127.0.0.1:2379")]
    [InlineData("localhost")]
    [InlineData("[::1]:2379")]
    [InlineData("http://127.0.0.1:2379")]
    [InlineData("http://127.0.0.1:2379/")]
    [InlineData("http://[::1]:2379")]
    [InlineData("https://127.0.0.1:2379")]
    [InlineData("#initially=[http://127.0.0.1:2379]")]
    [InlineData("#initially=[http://127.0.0.1:2379;http://127.0.0.1:3379]")]
    [InlineData("127.0.0.1:2379,127.0.0.1:3379")]
    [InlineData("unix://localhost:m0")]
    [InlineData("unix:///run/etcd.sock")]
    [InlineData("%2Frun%2Fetcd.sock")]
    [InlineData(":2379")]
    [InlineData("a:")]
    [InlineData("a:b")]
    [InlineData("a@b")]
    [InlineData("[")]
    [InlineData("[]")]
    [InlineData("[x]:1")]
    [InlineData("[::1]x")]
    [InlineData("a b")]
    [InlineData("caf\u00e9")]
    public async Task A_call_with_any_authority_is_served(string? authority)
    {
        await using var server = await ServerFixture.StartAsync();

        Assert.Equal("grpc-status 0", await CallAsync(server, authority, "http", "test"));
    }

    [Theory]
    [InlineData("https")]
    [InlineData("HTTPS")]
    [InlineData("unix")]
    [InlineData("etcd-endpoints")]
    [InlineData("")]
    [InlineData("1")]
    public async Task A_call_with_any_scheme_is_served(string scheme)
    {
        await using var server = await ServerFixture.StartAsync();

        Assert.Equal("grpc-status 0", await CallAsync(server, "localhost", scheme, "test"));
    }

    /// <summary>U+00E9 is sent as the byte e9, which is no UTF-8.</summary>
    [Theory]
    [InlineData("caf\u00e9")]
    [InlineData("caf\u00c3\u00a9")]
    [InlineData("\u0080\u00ff")]
    public async Task A_call_with_any_user_agent_is_served(string userAgent)
    {
        await using var server = await ServerFixture.StartAsync();

        Assert.Equal("grpc-status 0", await CallAsync(server, "localhost", "http", userAgent));
    }

    [Theory]
    [InlineData("")]
    [InlineData("etcd-0.etcd.example")]
    [InlineData("127.0.0.1:2379")]
    [InlineData("[fe80::1]:2379")]
    [InlineData("under_score:1")]
    public void A_valid_host_is_unchanged(string host) =>
        Assert.Equal(host, RequestHeaderEncodings.Select(":authority").GetString(Encoding.ASCII.GetBytes(host)));

    [Fact]
    public void An_authority_that_is_no_host_becomes_a_reserved_name() =>
        Assert.Equal(RequestHeaderEncodings.NoHost, RequestHeaderEncodings.Select(":authority").GetString("http://a"u8));

    /// <summary>Calls KV/Range over a raw HTTP/2 connection; returns the gRPC status, or the frame that ended the call.</summary>
    private static async Task<string> CallAsync(RunningServer server, string? authority, string scheme, string userAgent)
    {
        using var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(IPAddress.Loopback, new Uri(server.Url).Port);
        var stream = client.GetStream();
        var message = new RangeRequest { Key = ServerFixture.Utf8("a") }.ToByteArray();

        // RFC 7541, Appendix A: 1 is :authority, 4 is :path, 6 is :scheme; 0x83 is ":method: POST". All values are plain literals.
        byte[] headers =
        [
            0x83, .. Literal([0x06], scheme), .. Literal([0x04], "/etcdserverpb.KV/Range"),
            .. authority is null ? [] : Literal([0x01], authority),
            .. Literal(Name("content-type"), "application/grpc"), .. Literal(Name("te"), "trailers"),
            .. Literal(Name("user-agent"), userAgent),
        ];
        await stream.WriteAsync((byte[])
        [
            .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(4, 0, 0, []), .. Frame(1, 4, 1, headers),
            .. Frame(0, 1, 1, [0, 0, 0, 0, (byte)message.Length, .. message]),
        ]);

        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var frameHeader = new byte[9];
        while (true)
        {
            await stream.ReadExactlyAsync(frameHeader, timeout.Token);
            var payload = new byte[BinaryPrimitives.ReadInt32BigEndian([0, .. frameHeader[..3]])];
            await stream.ReadExactlyAsync(payload, timeout.Token);
            var (type, endsStream) = (frameHeader[3], (frameHeader[4] & 1) != 0);
            if (type is 3 or 7)
                return $"frame {type}: {Convert.ToHexString(payload)}";
            if (type == 1 && endsStream)
            {
                // Kestrel sends the name and the value of a trailer as plain literals, each after its length.
                var at = payload.AsSpan().IndexOf("grpc-status"u8);
                return at < 0 ? "no grpc-status" : $"grpc-status {(char)payload[at + "grpc-status".Length + 1]}";
            }
        }
    }

    private static byte[] Name(string name) => [0, (byte)name.Length, .. Encoding.ASCII.GetBytes(name)];

    private static byte[] Literal(byte[] name, string value) => [.. name, (byte)value.Length, .. Encoding.Latin1.GetBytes(value)];

    private static byte[] Frame(byte type, byte flags, byte stream, byte[] payload) =>
        [0, (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0, stream, .. payload];
}
