using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Quorate.Server.Tests.Http;

/// <summary>The JSON gateway and the health endpoints, as Patroni, APISIX and supervisors use them.</summary>
public sealed class JsonGatewayTests
{
    [Fact]
    public async Task The_gateway_encodes_JSON_by_the_protobuf_rules()
    {
        await using var server = await ServerFixture.StartAsync();
        await PostAsync(server, "/v3/kv/put", """{"key":"Zm9v","value":"YmFy"}""");

        using var json = await PostAsync(server, "/v3/kv/range", """{"key":"Zm9v","range_end":"","limit":"1","unknown":true}""");
        var root = json.RootElement;

        Assert.Equal("1", root.GetProperty("count").GetString());
        Assert.Equal("2", root.GetProperty("header").GetProperty("revision").GetString());
        Assert.Equal("YmFy", root.GetProperty("kvs")[0].GetProperty("value").GetString());
        Assert.Equal("2", root.GetProperty("kvs")[0].GetProperty("mod_revision").GetString());
        Assert.False(root.TryGetProperty("more", out _));
        Assert.False(root.GetProperty("kvs")[0].TryGetProperty("lease", out _));
    }

    [Theory]
    [InlineData("requestPut", "prevKv")]
    [InlineData("request_put", "prev_kv")]
    public async Task The_gateway_accepts_both_spellings_of_a_field_name(string put, string prevKv)
    {
        await using var server = await ServerFixture.StartAsync();
        await PostAsync(server, "/v3/kv/put", """{"key":"Zm9v","value":"YmFy"}""");

        using var json = await PostAsync(
            server, "/v3/kv/txn",
            """{"compare":[{"key":"Zm9v","target":"VALUE","result":"EQUAL","value":"YmFy"}],"success":[""" +
            $$$"""{"{{{put}}}":{"key":"Zm9v","{{{prevKv}}}":true}}]}""");

        Assert.True(json.RootElement.GetProperty("succeeded").GetBoolean());
        Assert.Equal("YmFy",
            json.RootElement.GetProperty("responses")[0].GetProperty("response_put").GetProperty("prev_kv").GetProperty("value")
            .GetString());
    }

    [Theory]
    [InlineData("/v3/kv/range", """{"key":""}""", 400, 3, "etcdserver: key is not provided")]
    [InlineData("/v3/kv/range", """{"key":"Zm9v","revision":99}""", 400, 11, "etcdserver: mvcc: required revision is a future revision")]
    [InlineData("/v3/kv/put", """{"key":"Zm9v","lease":"7"}""", 404, 5, "etcdserver: requested lease not found")]
    [InlineData("/v3/kv/put", """{"key":""", 400, 3, null)]
    [InlineData("/v3/kv/put", """{"key":"***"}""", 400, 3, null)]
    public async Task An_error_response_has_error_message_and_code(string path, string body, int httpStatus, int code, string? message)
    {
        await using var server = await ServerFixture.StartAsync();

        using var response = await server.Http.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body, Encoding.UTF8));
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());

        Assert.Equal(httpStatus, (int)response.StatusCode);
        Assert.Equal(code, json.RootElement.GetProperty("code").GetInt32());
        Assert.Equal(json.RootElement.GetProperty("error").GetString(), json.RootElement.GetProperty("message").GetString());
        if (message is not null)
            Assert.Equal(message, json.RootElement.GetProperty("message").GetString());
    }

    /// <summary>The calls of tooz and etcd3gw: a rounded id would grant, renew and revoke another lease.</summary>
    [Theory]
    [InlineData("7587862094969311749")]
    [InlineData("\"7587862094969311749\"")]
    public async Task A_lease_id_keeps_all_its_digits(string id)
    {
        await using var server = await ServerFixture.StartAsync();

        using var granted = await PostAsync(server, "/v3/lease/grant", $$"""{"TTL":100,"ID":{{id}}}""");
        using var renewed = await PostAsync(server, "/v3/lease/keepalive", $$"""{"ID":{{id}}}""");
        using var put = await PostAsync(server, "/v3/kv/put", $$"""{"key":"Zm9v","lease":{{id}}}""");
        using var remaining = await PostAsync(server, "/v3/lease/timetolive", $$"""{"ID":{{id}},"keys":true}""");
        using var range = await PostAsync(server, "/v3/kv/range", """{"key":"Zm9v","limit":9223372036854775807}""");
        using var revoked = await PostAsync(server, "/v3/lease/revoke", $$"""{"ID":{{id}}}""");

        Assert.Equal("7587862094969311749", granted.RootElement.GetProperty("ID").GetString());
        Assert.Equal("100", renewed.RootElement.GetProperty("result").GetProperty("TTL").GetString());
        Assert.Equal("Zm9v", remaining.RootElement.GetProperty("keys")[0].GetString());
        Assert.Equal("7587862094969311749", range.RootElement.GetProperty("kvs")[0].GetProperty("lease").GetString());
    }

    /// <summary>A read of the body that stays open makes the next request of the connection fail.</summary>
    [Theory]
    [InlineData("{\"key\":\"Zm9v\",\"x\":\"\u00ff\"}")]
    [InlineData("{\"key\":\"Zm9v\",\"limit\":1.5}")]
    [InlineData("{\"key\":")]
    public async Task A_connection_outlives_a_malformed_body(string body)
    {
        await using var server = await ServerFixture.StartAsync();
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPEndPoint.Parse(new Uri(server.Url).Authority));

        // In Latin-1, so that U+00FF is the byte ff, which UTF-8 does not contain.
        await SendAsync(connection, Encoding.Latin1.GetBytes(body));
        var rejected = await ReadResponseAsync(connection);
        await SendAsync(connection, """{"key":"Zm9v"}"""u8.ToArray());
        var served = await ReadResponseAsync(connection);

        Assert.StartsWith("HTTP/1.1 400 ", rejected, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", served, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_rejected()
    {
        await using var server = await ServerFixture.StartAsync();
        var body = $$"""{"key":"Zm9v","value":"{{Convert.ToBase64String(new byte[3_000_000])}}"}""";

        using var response = await server.Http.PostAsync(new Uri("/v3/kv/put", UriKind.Relative), new StringContent(body, Encoding.UTF8));

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        using var after = await PostAsync(server, "/v3/kv/range", """{"key":"Zm9v"}""");
        Assert.False(after.RootElement.TryGetProperty("kvs", out _));
    }

    [Theory]
    [InlineData("/v3/no/such")]
    [InlineData("/v3/auth/enable")]
    public async Task A_path_that_the_gateway_lacks_returns_a_JSON_error(string path)
    {
        await using var server = await ServerFixture.StartAsync();

        using var response = await server.Http.PostAsync(new Uri(path, UriKind.Relative), new StringContent("{}", Encoding.UTF8));

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("""{"error":"Not Found","message":"Not Found","code":5}""", await response.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData("GET", "/v3/kv/range", 405)]
    [InlineData("POST", "/v3/no/such", 404)]
    [InlineData("GET", "/nowhere", 404)]
    [InlineData("POST", "/health", 405)]
    [InlineData("GET", "/livez/nonsense", 404)]
    public async Task A_wrong_path_or_method_returns_its_HTTP_status(string method, string path, int httpStatus)
    {
        await using var server = await ServerFixture.StartAsync();
        using var request = new HttpRequestMessage(new HttpMethod(method), path);

        using var response = await server.Http.SendAsync(request);

        Assert.Equal(httpStatus, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("/health", """{"health":"true","reason":""}""")]
    [InlineData("/livez", "ok\n")]
    [InlineData("/readyz?exclude=non_learner", "ok\n")]
    [InlineData("/livez/serializable_read?verbose", "[+]serializable_read ok\n" + ClusterLine + "ok\n")]
    [InlineData(
        "/readyz?verbose",
        "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\n[+]commit_progress ok\n" + ClusterLine
        + "ok\n")]
    public async Task A_member_with_a_leader_is_healthy(string path, string text)
    {
        await using var server = await ServerFixture.StartAsync();

        Assert.Equal(text, await server.Http.GetStringAsync(new Uri(path, UriKind.Relative)));
    }

    private const string ClusterLine = "cluster: Healthy: 1 of 1 voter is healthy; no more may fail.\n";

    private static async Task SendAsync(TcpClient connection, byte[] body)
    {
        var head = $"POST /v3/kv/range HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n";
        await connection.GetStream().WriteAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. body]);
    }

    /// <summary>Reads one response in HTTP's chunked encoding, up to its last chunk.</summary>
    private static async Task<string> ReadResponseAsync(TcpClient connection)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var received = new StringBuilder();
        var buffer = new byte[4096];
        while (!received.ToString().EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal))
        {
            var count = await connection.GetStream().ReadAsync(buffer, timeout.Token);
            Assert.True(count > 0, $"the server closed the connection after: {received}");
            received.Append(Encoding.UTF8.GetString(buffer, 0, count));
        }

        return received.ToString();
    }

    private static async Task<JsonDocument> PostAsync(RunningServer server, string path, string body)
    {
        using var response = await server.Http.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body, Encoding.UTF8));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync());
    }
}
