using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Processes;

/// <summary>
/// Malformed input on the client port gets an error response, or the connection is closed; the cluster continues to serve and loses
/// nothing.
/// </summary>
[Collection(ProcessesCollection.Name)]
public sealed class MalformedClientInputTests : IAsyncLifetime
{
    private ServerCluster _cluster = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await ServerCluster.StartAsync(3);
        await EtcdCtl.OkAsync(_cluster.Endpoint(1), "put", "before", "it was here");
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Requests_over_a_limit_are_rejected_with_etcds_errors()
    {
        foreach (var number in _cluster.Numbers)
        {
            var kv = _cluster.Kv(number);
            await AssertErrorAsync(
                StatusCode.InvalidArgument, "etcdserver: request is too large",
                () => kv.PutAsync(new PutRequest { Key = "k".ToByteString(), Value = ByteString.CopyFrom(new byte[1_600_000]) }));
            await AssertErrorAsync(
                StatusCode.ResourceExhausted, "grpc: received message larger than max (2200010 vs. 2097152)",
                () => kv.PutAsync(new PutRequest { Key = "k".ToByteString(), Value = ByteString.CopyFrom(new byte[2_200_002]) }));
            await AssertErrorAsync(StatusCode.InvalidArgument, "etcdserver: too many operations in txn request",
                () => kv.TxnAsync(Puts(129)));
            await AssertErrorAsync(StatusCode.InvalidArgument, "etcdserver: key is not provided",
                () => kv.PutAsync(new PutRequest { Value = "v".ToByteString() }));
            await AssertErrorAsync(StatusCode.InvalidArgument, "etcdserver: key is not provided", () => kv.RangeAsync(new RangeRequest()));
            await AssertErrorAsync(StatusCode.InvalidArgument, "etcdserver: key is not provided",
                () => kv.DeleteRangeAsync(new DeleteRangeRequest()));
            await AssertErrorAsync(
                StatusCode.InvalidArgument, "etcdserver: value is provided",
                () => kv.PutAsync(new PutRequest { Key = "before".ToByteString(), Value = "v".ToByteString(), IgnoreValue = true }));

            // Just inside the limits.
            await kv.PutAsync(new PutRequest { Key = "large".ToByteString(), Value = ByteString.CopyFrom(new byte[1_500_000]) });
            await kv.TxnAsync(Puts(128));
        }

        await AssertClusterServesAsync();
    }

    /// <summary>etcdctl prints the server's error text.</summary>
    [Fact]
    public async Task Etcdctl_prints_the_error_of_the_server()
    {
        var (exitCode, _, errors) = await EtcdCtl.RunAsync(_cluster.Endpoint(2), new string('x', 1_600_000), "put", "large");
        Assert.NotEqual(0, exitCode);
        Assert.Contains("etcdserver: request is too large", errors, StringComparison.Ordinal);

        (exitCode, _, errors) = await EtcdCtl.RunAsync(_cluster.Endpoint(2), null, "put", "k", "v", "--lease=1234");
        Assert.NotEqual(0, exitCode);
        Assert.Contains("etcdserver: requested lease not found", errors, StringComparison.Ordinal);
        await AssertClusterServesAsync();
    }

    [Fact]
    public async Task A_connection_that_sends_garbage_is_closed()
    {
        var garbage = new byte[64 * 1024];
        new Random(11).NextBytes(garbage);
        byte[] preface = [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8];
        byte[][] openings =
        [
            garbage,
            new byte[4096],
            [.. preface[..10]],
            [.. preface[..20], .. garbage],
            [.. preface, .. garbage],
            [.. preface, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, .. garbage],
            Encoding.ASCII.GetBytes("GET /" + new string('a', 100_000) + " HTTP/1.1\r\n\r\n"),
            Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: a\r\nX: " + new string('a', 100_000) + "\r\n\r\n"),
            "POST /v3/kv/put HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n"u8.ToArray(),
            "Quorate\n"u8.ToArray(),
        ];
        foreach (var number in _cluster.Numbers)
        {
            foreach (var opening in openings)
                await SendAndWaitForCloseAsync(number, opening);
        }

        await AssertClusterServesAsync();
    }

    [Fact]
    public async Task Malformed_gRPC_is_rejected_with_a_status()
    {
        foreach (var number in _cluster.Numbers)
        {
            await AssertStatusAsync(StatusCode.Internal, number, "/etcdserverpb.KV/Put", Message([1, 2, 3])[..6]);
            await AssertStatusAsync(StatusCode.Internal, number, "/etcdserverpb.KV/Put", []);
            await AssertStatusAsync(StatusCode.ResourceExhausted, number, "/etcdserverpb.KV/Put", [0, 0xff, 0xff, 0xff, 0xff, 1, 2, 3]);
            await AssertStatusAsync(StatusCode.Internal, number, "/etcdserverpb.KV/Put", [2, 0, 0, 0, 0]);
        }

        await AssertClusterServesAsync();
    }

    /// <summary>Clients that probe for a feature recognise these texts of grpc-go, which etcd uses.</summary>
    [Theory]
    [InlineData("/etcdserverpb.KV/Nothing", "unknown method Nothing for service etcdserverpb.KV")]
    [InlineData("/etcdserverpb.Cluster/Nothing", "unknown method Nothing for service etcdserverpb.Cluster")]
    [InlineData("/etcdserverpb.Maintenance/Downgrade", "unknown method Downgrade for service etcdserverpb.Maintenance")]
    [InlineData("/etcdserverpb.Auth/AuthEnable", "unknown service etcdserverpb.Auth")]
    [InlineData("/no.such.Service/Put", "unknown service no.such.Service")]
    [InlineData("/nothing", "malformed method name: \"/nothing\"")]
    [InlineData("/caf%C3%A9.S/100%25", "unknown service caf\u00e9.S")]
    public async Task A_call_that_is_not_served_is_named_in_its_status(string method, string text) =>
        Assert.Equal((StatusCode.Unimplemented, text), await CallAsync(1, method, Message([])));

    /// <summary>A compressed message that is not gzip ends the call, not with Unknown.</summary>
    [Theory]
    [InlineData("/etcdserverpb.KV/Range")]
    [InlineData("/etcdserverpb.Watch/Watch")]
    public async Task A_message_that_cannot_be_decompressed_is_rejected(string method)
    {
        var (code, text) = await CallAsync(1, method, [1, 0, 0, 0, 3, 1, 2, 3], compression: "gzip");

        Assert.Equal(StatusCode.Internal, code);
        Assert.StartsWith("grpc: ", text, StringComparison.Ordinal);
        await AssertClusterServesAsync();
    }

    /// <summary>
    /// As grpc-go, which etcd uses: status Internal, with the parser's message. The client is at fault, so the member logs no error.
    /// </summary>
    [Fact]
    public async Task Every_call_rejects_bytes_that_are_not_protobuf()
    {
        ServiceDescriptor[] services = [KV.Descriptor, Lease.Descriptor, Watch.Descriptor, Cluster.Descriptor, Maintenance.Descriptor];
        byte[][] messages = [[0xff, 0xff, 0xff], [0x0a, 0x7f, 1], [0x0f], [0x00, 0x01]];
        foreach (var call in services.SelectMany(service => service.Methods))
        {
            foreach (var message in messages)
            {
                var (code, text) = await CallAsync(1, $"/{call.Service.FullName}/{call.Name}", Message(message));

                Assert.Equal((StatusCode.Internal, call.FullName), (code, call.FullName));
                Assert.StartsWith("grpc: error unmarshalling request: ", text, StringComparison.Ordinal);
            }
        }

        // A string that is not UTF-8.
        await AssertStatusAsync(StatusCode.Internal, 1, "/etcdserverpb.Cluster/MemberAdd", Message([0x0a, 1, 0xff]));
        await AssertClusterServesAsync();
    }

    [Fact]
    public async Task Malformed_JSON_is_rejected_with_an_error()
    {
        using var http = new HttpClient();
        (string Path, string Body, HttpStatusCode Status)[] requests =
        [
            ("/v3/kv/put", "no json", HttpStatusCode.BadRequest),
            ("/v3/kv/put", "{\"key\":\"%%%\"}", HttpStatusCode.BadRequest),
            ("/v3/kv/put", "{\"key\":", HttpStatusCode.BadRequest),
            ("/v3/kv/put", "{}", HttpStatusCode.BadRequest),
            ("/v3/kv/nothing", "{}", HttpStatusCode.NotFound),
            ("/nothing", "{}", HttpStatusCode.NotFound),
        ];
        foreach (var (path, body, status) in requests)
        {
            using var content = new StringContent(body);
            using var response = await http.PostAsync(new Uri($"http://{_cluster.Endpoint(1)}{path}"), content);

            Assert.Equal(status, response.StatusCode);
            Assert.NotEmpty(await response.Content.ReadAsStringAsync());
        }

        await AssertClusterServesAsync();
    }

    private async Task AssertClusterServesAsync()
    {
        foreach (var number in _cluster.Numbers)
        {
            Assert.False(_cluster.GetProcess(number).HasExited, _cluster.GetProcess(number).Errors);
            await EtcdCtl.OkAsync(_cluster.Endpoint(number), "put", $"after{number}", "it serves");
            Assert.Equal("before\nit was here", await EtcdCtl.OkAsync(_cluster.Endpoint(number), "get", "before"));
            Assert.DoesNotContain("crit: ", _cluster.GetProcess(number).Errors, StringComparison.Ordinal);
            Assert.DoesNotContain("fail: ", _cluster.GetProcess(number).Errors, StringComparison.Ordinal);
        }
    }

    private static async Task AssertErrorAsync<T>(StatusCode code, string message, Func<AsyncUnaryCall<T>> call)
    {
        var error = await Assert.ThrowsAsync<RpcException>(async () => await call());
        Assert.Equal(message, error.Status.Detail);
        Assert.Equal(code, error.StatusCode);
    }

    private static TxnRequest Puts(int count)
    {
        var txn = new TxnRequest();
        for (var i = 0; i < count; i++)
            txn.Success.Add(new RequestOp { RequestPut = new PutRequest { Key = $"txn/{i}".ToByteString() } });
        return txn;
    }

    /// <summary>Sends bytes, then nothing more, and waits for the other side to close.</summary>
    private async Task SendAndWaitForCloseAsync(int number, byte[] opening)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPEndPoint.Parse(_cluster.Endpoint(number)));
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var buffer = new byte[4096];
        try
        {
            await socket.SendAsync(opening, timeout.Token);
            socket.Shutdown(SocketShutdown.Send);
            while (await socket.ReceiveAsync(buffer, timeout.Token) > 0)
            {
                // The content that it sends before it closes does not matter.
            }
        }
        catch (SocketException)
        {
            // Closed with unread bytes, which TCP reports as a reset.
        }
    }

    private async Task AssertStatusAsync(StatusCode expected, int number, string method, byte[] body)
    {
        var (code, text) = await CallAsync(number, method, body);
        Assert.Equal(expected, code);
        Assert.NotEmpty(text);
    }

    /// <summary>Makes a gRPC call with given bytes.</summary>
    private async Task<(StatusCode Code, string Text)> CallAsync(int number, string method, byte[] body, string? compression = null)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{_cluster.Endpoint(number)}{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.TE.ParseAdd("trailers");
        if (compression is not null)
            request.Headers.Add("grpc-encoding", compression);

        using var response = await http.SendAsync(request);

        await response.Content.ReadAsByteArrayAsync();
        var headers = response.Headers.Contains("grpc-status") ? response.Headers : response.TrailingHeaders;
        var code = (StatusCode)int.Parse(Assert.Single(headers.GetValues("grpc-status")));
        return (code, Uri.UnescapeDataString(string.Concat(headers.GetValues("grpc-message"))));
    }

    /// <summary>Returns a message with gRPC's length prefix.</summary>
    private static byte[] Message(byte[] bytes)
    {
        var message = new byte[5 + bytes.Length];
        BinaryPrimitives.WriteUInt32BigEndian(message.AsSpan(1), (uint)bytes.Length);
        bytes.CopyTo(message, 5);
        return message;
    }
}
