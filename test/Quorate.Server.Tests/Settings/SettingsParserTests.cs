using Quorate.Server.Settings;

namespace Quorate.Server.Tests.Settings;

/// <summary>Every value is validated before anything is created, and the error states what failed, why, and what to do.</summary>
public sealed class SettingsParserTests
{
    [Fact]
    public void Without_flags_the_settings_are_a_single_member_on_etcds_ports()
    {
        var settings = Parse();

        Assert.Equal("default", settings.Name);
        Assert.Equal("127.0.0.1:2379", Assert.Single(settings.ClientListenEndPoints).ToString());
        Assert.Equal("127.0.0.1:2380", Assert.Single(settings.PeerListenEndPoints).ToString());
        Assert.EndsWith("default.etcd", settings.DataDirectory);
        Assert.Equal(["http://localhost:2379"], settings.AdvertiseClientUrls);
    }

    /// <summary>The ids that etcd itself prints for its default start, and for the three members of its Procfile.</summary>
    [Fact]
    public void Member_and_cluster_ids_equal_etcds()
    {
        var alone = Parse();
        var procfile = Parse(
            "--name=infra1", "--initial-advertise-peer-urls=http://127.0.0.1:12380", "--initial-cluster-token=etcd-cluster-1",
            "--initial-cluster=infra1=http://127.0.0.1:12380,infra2=http://127.0.0.1:22380,infra3=http://127.0.0.1:32380");

        Assert.Equal("8e9e05c52164694d", alone.Self.Id.ToString());
        Assert.Equal("cdf818194e3a8c32", alone.ClusterId.ToString("x"));
        Assert.Equal(["8211f1d0f64f3269", "91bc3c398fb3c146", "fd422379fda50e48"],
            procfile.Members.Select(m => m.Id.ToString()).Order(StringComparer.Ordinal));
        Assert.Equal("ef37ad9dc622a7c4", procfile.ClusterId.ToString("x"));
    }

    [Theory]
    [InlineData("foo", "no scheme")]
    [InlineData("ftp://127.0.0.1:1", "ftp")]
    [InlineData("https://127.0.0.1:1", "TLS")]
    [InlineData("unix://x:1", "TCP")]
    [InlineData("http://127.0.0.1", "no port")]
    [InlineData("http://127.0.0.1:99999", "not a port")]
    [InlineData("http://127.0.0.1:1/path", "follow the port")]
    [InlineData("http://:1", "no host")]
    [InlineData("http://a b:1", "neither a host name nor an IP address")]
    [InlineData("http://example.com:1", "is a host name")]
    [InlineData("", "at least one")]
    public void An_invalid_listen_URL_is_rejected_with_the_reason(string url, string reason)
    {
        var error = Assert.Throws<StartupException>(() => Parse("--listen-client-urls", url, "--advertise-client-urls=http://127.0.0.1:1"));

        Assert.Equal(StartupErrorKind.InvalidSettings, error.Kind);
        Assert.Contains("--listen-client-urls", error.What);
        Assert.Contains(reason, error.Why, StringComparison.Ordinal);
        Assert.NotEmpty(error.Remedy);
    }

    [Theory]
    [InlineData("http://[::1]:2379", "[::1]:2379")]
    [InlineData("http://0.0.0.0:2379", "0.0.0.0:2379")]
    [InlineData("http://localhost:0", "127.0.0.1:0")]
    public void Listen_URLs_accept_addresses_of_this_host(string url, string address) =>
        Assert.Equal(address,
            Assert.Single(Parse("--listen-client-urls", url, "--advertise-client-urls=http://127.0.0.1:1").ClientListenEndPoints)
            .ToString());

    [Fact]
    public void A_wildcard_listen_address_needs_an_advertised_client_URL() =>
        Assert.Contains("--advertise-client-urls",
            Assert.Throws<StartupException>(() => Parse("--listen-client-urls=http://0.0.0.0:2379")).What);

    [Fact]
    public void Initial_cluster_must_contain_this_member() =>
        Assert.Contains("\"n9\"",
            Assert.Throws<StartupException>(() => Parse("--name=n9", "--initial-cluster=n0=http://127.0.0.1:1")).What);

    [Fact]
    public void Initial_cluster_must_match_the_advertised_peer_URLs()
    {
        var error = Assert.Throws<StartupException>(() =>
            Parse("--name=n0", "--initial-cluster=n0=http://127.0.0.1:1", "--initial-advertise-peer-urls=http://127.0.0.1:2"));

        Assert.Contains("differ", error.What);
    }

    [Theory]
    [InlineData("n0=http://127.0.0.1:1,n1=http://127.0.0.1:1", "twice")]
    [InlineData("n0", "not a member")]
    public void A_malformed_initial_cluster_is_rejected(string cluster, string reason) =>
        Assert.Contains(reason, Assert.Throws<StartupException>(() => Parse("--name=n0", "--initial-cluster", cluster)).What);

    [Theory]
    [InlineData("--heartbeat-interval=abc", "whole number")]
    [InlineData("--heartbeat-interval=0", "whole number")]
    [InlineData("--election-timeout=400", "five times")]
    [InlineData("--max-request-bytes=-1", "whole number")]
    [InlineData("--initial-cluster-state=maybe", "new or existing")]
    [InlineData("--grpc-keepalive-interval=2", "1m30s")]
    [InlineData("--name=a,b", "comma")]
    public void A_value_out_of_its_range_is_rejected_with_the_range(string argument, string range) =>
        Assert.Contains(range, Assert.Throws<StartupException>(() => Parse(argument)).Why);

    [Fact]
    public void The_parser_reads_durations_in_Gos_syntax() =>
        Assert.Equal(TimeSpan.FromSeconds(5430), Parse("--grpc-keepalive-interval=1h30m30s").Limits.KeepAliveInterval);

    private static ServerSettings Parse(params string[] arguments) =>
        SettingsParser.Parse(ParsedFlags.Parse(arguments, new Dictionary<string, string>()));
}
