using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Google.Protobuf;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Etcd;

/// <summary>Reads of 12 MB through the whole server.</summary>
public sealed class LargeReadTests
{
    private const int Keys = 12;
    private const int ValueBytes = 1_000_000;
    private const int Reads = 40;

    /// <summary>
    /// Each response needs a window of 12 MB and has one of 64 KB. A server that encodes whole responses would need 480 MB for them.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Responses_that_no_client_reads_take_little_memory(bool grpc)
    {
        await using var server = await StartWithKeysAsync();
        using var handler = new SocketsHttpHandler { InitialHttp2StreamWindowSize = 65_535, MaxConnectionsPerServer = Reads };
        using var http = new HttpClient(handler) { BaseAddress = server.Http.BaseAddress };
        var before = GC.GetTotalMemory(forceFullCollection: true);

        var responses = await Task.WhenAll(Enumerable.Range(0, Reads).Select(
            _ => http.SendAsync(grpc ? GrpcRead() : JsonRead(), HttpCompletionOption.ResponseHeadersRead)));
        foreach (var response in responses)
        {
            // The first byte has arrived, so the server has encoded as much as it does without a reader.
            var stream = await response.Content.ReadAsStreamAsync();
            Assert.Equal(1, await stream.ReadAsync(new byte[1]));
        }

        var used = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(used < 200_000_000, $"{used >> 20} MiB are used");
        foreach (var response in responses)
            response.Dispose();
    }

    [Fact]
    public async Task A_large_range_is_complete()
    {
        await using var server = await StartWithKeysAsync();
        using var channel = Grpc.Net.Client.GrpcChannel.ForAddress(
            server.Url, new Grpc.Net.Client.GrpcChannelOptions { MaxReceiveMessageSize = null });

        var read = await new KV.KVClient(channel).RangeAsync(AllKeys);
        var inTxn = await new KV.KVClient(channel).TxnAsync(new TxnRequest { Success = { new RequestOp { RequestRange = AllKeys } } });
        var deletion = new DeleteRangeRequest { Key = AllKeys.Key, RangeEnd = AllKeys.RangeEnd, PrevKv = true };
        using var json = JsonDocument.Parse(
            await (await server.Http.SendAsync(JsonRead())).EnsureSuccessStatusCode().Content.ReadAsStringAsync());
        var deleted = await new KV.KVClient(channel).DeleteRangeAsync(deletion);

        Assert.Equal(Keys, read.Count);
        Assert.All(read.Kvs, kv => Assert.Equal(ValueBytes, kv.Value.Length));
        Assert.Equal(read.Kvs, inTxn.Responses[0].ResponseRange.Kvs);
        Assert.Equal(read.Kvs, deleted.PrevKvs);
        Assert.Equal("12", json.RootElement.GetProperty("count").GetString());
        Assert.Equal(read.Header.Revision.ToString(), json.RootElement.GetProperty("header").GetProperty("revision").GetString());
        Assert.Equal(
            read.Kvs.Select(kv => kv.Value.ToBase64()),
            json.RootElement.GetProperty("kvs").EnumerateArray().Select(kv => kv.GetProperty("value").GetString()));
    }

    private static RangeRequest AllKeys { get; } = new() { Key = ServerFixture.Utf8("big/"), RangeEnd = ServerFixture.Utf8("big0") };

    private static async Task<RunningServer> StartWithKeysAsync()
    {
        var server = await ServerFixture.StartAsync();
        var value = new byte[ValueBytes];
        for (var i = 0; i < Keys; i++)
        {
            Random.Shared.NextBytes(value);
            await server.Kv.PutAsync(new PutRequest { Key = ServerFixture.Utf8($"big/{i}"), Value = ByteString.CopyFrom(value) });
        }

        return server;
    }

    private static HttpRequestMessage GrpcRead()
    {
        var message = AllKeys.ToByteArray();
        var request = new HttpRequestMessage(HttpMethod.Post, "/etcdserverpb.KV/Range")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent([0, 0, 0, 0, (byte)message.Length, .. message]),
        };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        return request;
    }

    private static HttpRequestMessage JsonRead() => new(HttpMethod.Post, "/v3/kv/range")
    {
        Content = new StringContent("""{"key":"YmlnLw==","range_end":"YmlnMA=="}""", Encoding.UTF8, "application/json"),
    };
}
