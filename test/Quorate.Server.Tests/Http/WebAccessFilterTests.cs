using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;

namespace Quorate.Server.Tests.Http;

/// <summary>A foreign web page cannot use the JSON gateway through a browser; programs and own pages can.</summary>
public sealed class WebAccessFilterTests
{
    private const string Put = """{"key":"YQ==","value":"Yg=="}""";
    private const string Foreign = "http://evil.example";

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/json")]
    [InlineData("application/x-www-form-urlencoded")]
    public async Task A_page_of_another_origin_is_refused(string contentType)
    {
        await using var server = await ServerFixture.StartAsync();

        using var response = await PostAsync(server, contentType, origin: Foreign);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        Assert.Contains("--cors=http://evil.example", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.False(response.Headers.Contains("Access-Control-Allow-Origin"));
        await AssertNothingWasWrittenAsync(server);
    }

    [Fact]
    public async Task A_page_without_an_origin_is_refused()
    {
        await using var server = await ServerFixture.StartAsync();

        using var response = await PostAsync(server, "text/plain", origin: "null");

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
        await AssertNothingWasWrittenAsync(server);
    }

    /// <summary>DNS rebinding: the page's own name leads to this server, so Origin and Host are the same.</summary>
    [Theory]
    [InlineData("application/json", "http://evil.example:2379")]
    [InlineData("text/plain", null)]
    public async Task A_page_under_a_name_that_is_not_the_servers_is_refused(string contentType, string? origin)
    {
        await using var server = await ServerFixture.StartAsync();

        using var response = await PostAsync(server, contentType, origin, host: "evil.example:2379");

        Assert.Equal(HttpStatusCode.MisdirectedRequest, response.StatusCode);
        Assert.Contains("--host-whitelist=evil.example", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        await AssertNothingWasWrittenAsync(server);
    }

    [Fact]
    public async Task A_page_under_a_foreign_name_cannot_read_either()
    {
        await using var server = await ServerFixture.StartAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        request.Headers.Host = "evil.example:2379";
        request.Headers.Add("Sec-Fetch-Site", "same-origin");

        using var response = await server.Http.SendAsync(request);

        Assert.Equal(HttpStatusCode.MisdirectedRequest, response.StatusCode);
    }

    [Theory]
    [InlineData("application/json", "etcd.example.com:2379")] // A program that uses a DNS name.
    [InlineData("application/x-www-form-urlencoded", "etcd.example.com:2379")] // curl -d with that name.
    [InlineData(null, "etcd.example.com:2379")]
    [InlineData("text/plain", "127.0.0.1:2379")]
    [InlineData("text/plain", "[::1]:2379")]
    [InlineData("text/plain", "localhost:2379")]
    [InlineData("text/plain", "etcd-0:2379")]
    public async Task A_program_is_served(string? contentType, string host)
    {
        await using var server = await ServerFixture.StartAsync();

        using var response = await PostAsync(server, contentType, origin: null, host);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("localhost:2379")]
    [InlineData("127.0.0.1:2379")]
    [InlineData("own.example.com:2379")]
    public async Task A_page_of_the_server_itself_is_served(string host)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var url = $"http://{listener.LocalEndpoint}";
        listener.Stop();
        await using var server = await ServerFixture.StartAsync(
            "--listen-client-urls=" + url, $"--advertise-client-urls={url},http://own.example.com:2379");

        using var response = await PostAsync(server, "application/json", "http://" + host, host);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Cors_allows_the_pages_of_its_origins()
    {
        await using var server = await ServerFixture.StartAsync("--cors=http://good.example:8080,https://good.example");

        using var allowed = await PostAsync(server, "text/plain", "http://good.example:8080");
        using var refused = await PostAsync(server, "text/plain", Foreign);
        using var preflight = await PreflightAsync(server, "https://good.example");
        using var refusedPreflight = await PreflightAsync(server, Foreign);

        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Equal(HttpStatusCode.OK, preflight.StatusCode);
        Assert.Equal("", await preflight.Content.ReadAsStringAsync());
        Assert.Equal(["https://good.example"], preflight.Headers.GetValues("Access-Control-Allow-Origin"));
        Assert.Equal(["POST, GET, OPTIONS, PUT, DELETE"], preflight.Headers.GetValues("Access-Control-Allow-Methods"));
        Assert.Equal(["accept, content-type, authorization"], preflight.Headers.GetValues("Access-Control-Allow-Headers"));
        Assert.Equal(HttpStatusCode.Forbidden, refusedPreflight.StatusCode);
    }

    [Fact]
    public async Task Cors_with_a_star_is_etcds_default()
    {
        await using var server = await ServerFixture.StartAsync("--cors=*");

        using var response = await PostAsync(server, "text/plain", Foreign, host: "evil.example");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(["*"], response.Headers.GetValues("Access-Control-Allow-Origin"));
    }

    [Fact]
    public async Task The_host_whitelist_holds_for_every_request_as_in_etcd()
    {
        await using var server = await ServerFixture.StartAsync("--host-whitelist=good.example,127.0.0.1");

        using var program = await PostAsync(server, "application/json", origin: null, host: "good.example:99");
        using var page = await PostAsync(server, "application/json", "http://good.example:99", host: "good.example:99");
        using var other = await PostAsync(server, "application/json", origin: null, host: "localhost:99");

        Assert.Equal(HttpStatusCode.OK, program.StatusCode);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, other.StatusCode);
    }

    [Theory]
    [InlineData("--cors=good.example")]
    [InlineData("--cors=http://good.example/path")]
    [InlineData("--cors=ftp://good.example")]
    [InlineData("--host-whitelist=http://good.example")]
    [InlineData("--host-whitelist=a b")]
    public void An_entry_that_can_never_match_is_rejected(string flag) =>
        Assert.Contains(flag[..6], Assert.Throws<StartupException>(() => ServerFixture.ParseSettings(flag)).What, StringComparison.Ordinal);

    private static async Task<HttpResponseMessage> PostAsync(
        RunningServer server, string? contentType, string? origin, string? host = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v3/kv/put")
        {
            Content = new ByteArrayContent(Encoding.UTF8.GetBytes(Put)),
        };
        request.Content.Headers.ContentType = contentType is null ? null : new MediaTypeHeaderValue(contentType);
        request.Headers.Host = host;
        if (origin is not null)
            request.Headers.Add("Origin", origin);
        return await server.Http.SendAsync(request);
    }

    private static async Task<HttpResponseMessage> PreflightAsync(RunningServer server, string origin)
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, "/v3/kv/put");
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "POST");
        return await server.Http.SendAsync(request);
    }

    private static async Task AssertNothingWasWrittenAsync(RunningServer server) =>
        Assert.Equal(0, (await server.Kv.RangeAsync(new Protos.RangeRequest { Key = ServerFixture.Utf8("a") })).Count);
}
