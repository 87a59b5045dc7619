using System.Net;
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
    [InlineData("/livez/serializable_read?verbose", "[+]serializable_read ok\nok\n")]
    [InlineData("/readyz?verbose", "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\nok\n")]
    public async Task A_member_with_a_leader_is_healthy(string path, string text)
    {
        await using var server = await ServerFixture.StartAsync();

        Assert.Equal(text, await server.Http.GetStringAsync(new Uri(path, UriKind.Relative)));
    }

    private static async Task<JsonDocument> PostAsync(RunningServer server, string path, string body)
    {
        using var response = await server.Http.PostAsync(new Uri(path, UriKind.Relative), new StringContent(body, Encoding.UTF8));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return JsonDocument.Parse(await response.Content.ReadAsStringAsync());
    }
}
