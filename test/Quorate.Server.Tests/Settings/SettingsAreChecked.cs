using Quorate.Server.Settings;

namespace Quorate.Server.Tests.Settings;

/// <summary>Every value is judged before anything is touched, and the refusal says what, why and what to do.</summary>
public sealed class SettingsAreChecked
{
    [Fact]
    public void Without_flags_it_is_a_cluster_of_one_at_etcds_ports()
    {
        var settings = Read();

        Assert.Equal("default", settings.Name);
        Assert.Equal("127.0.0.1:2379", Assert.Single(settings.ListenClients).ToString());
        Assert.Equal("127.0.0.1:2380", Assert.Single(settings.ListenPeers).ToString());
        Assert.EndsWith("default.etcd", settings.DataFolder);
        Assert.Equal(["http://localhost:2379"], settings.AdvertiseClientUrls);
    }

    /// <summary>The ids that etcd itself prints for its default start, and for the three members of its Procfile.</summary>
    [Fact]
    public void Ids_are_those_that_etcd_gives()
    {
        var alone = Read();
        var procfile = Read(
            "--name=infra1", "--initial-advertise-peer-urls=http://127.0.0.1:12380", "--initial-cluster-token=etcd-cluster-1",
            "--initial-cluster=infra1=http://127.0.0.1:12380,infra2=http://127.0.0.1:22380,infra3=http://127.0.0.1:32380");

        Assert.Equal("8e9e05c52164694d", alone.Self.Id.ToString());
        Assert.Equal("cdf818194e3a8c32", alone.ClusterId.ToString("x"));
        Assert.Equal(["8211f1d0f64f3269", "91bc3c398fb3c146", "fd422379fda50e48"], procfile.Members.Select(m => m.Id.ToString()).Order(StringComparer.Ordinal));
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
    [InlineData("http://a b:1", "neither a name nor an address")]
    [InlineData("http://example.com:1", "is a name")]
    [InlineData("", "at least one")]
    public void A_bad_listen_url_is_refused_with_its_fault(string url, string fault)
    {
        var refusal = Assert.Throws<RefusalException>(() => Read("--listen-client-urls", url, "--advertise-client-urls=http://127.0.0.1:1"));

        Assert.Equal(ExitCode.Usage, refusal.ExitCode);
        Assert.Contains("--listen-client-urls", refusal.What);
        Assert.Contains(fault, refusal.Why, StringComparison.Ordinal);
        Assert.NotEmpty(refusal.Remedy);
    }

    [Theory]
    [InlineData("http://[::1]:2379", "[::1]:2379")]
    [InlineData("http://0.0.0.0:2379", "0.0.0.0:2379")]
    [InlineData("http://localhost:0", "127.0.0.1:0")]
    public void Addresses_of_this_machine_can_be_listened_on(string url, string address) =>
        Assert.Equal(address, Assert.Single(Read("--listen-client-urls", url, "--advertise-client-urls=http://127.0.0.1:1").ListenClients).ToString());

    [Fact]
    public void Who_listens_everywhere_must_say_where_clients_find_it() =>
        Assert.Contains("--advertise-client-urls", Assert.Throws<RefusalException>(() => Read("--listen-client-urls=http://0.0.0.0:2379")).What);

    [Fact]
    public void The_cluster_must_name_this_member() =>
        Assert.Contains("\"n9\"", Assert.Throws<RefusalException>(() => Read("--name=n9", "--initial-cluster=n0=http://127.0.0.1:1")).What);

    [Fact]
    public void The_cluster_must_have_the_urls_this_member_announces()
    {
        var refusal = Assert.Throws<RefusalException>(() =>
            Read("--name=n0", "--initial-cluster=n0=http://127.0.0.1:1", "--initial-advertise-peer-urls=http://127.0.0.1:2"));

        Assert.Contains("differ", refusal.What);
    }

    [Theory]
    [InlineData("n0=http://127.0.0.1:1,n1=http://127.0.0.1:1", "twice")]
    [InlineData("n0", "not a member")]
    public void A_malformed_cluster_is_refused(string cluster, string fault) =>
        Assert.Contains(fault, Assert.Throws<RefusalException>(() => Read("--name=n0", "--initial-cluster", cluster)).What);

    [Theory]
    [InlineData("--heartbeat-interval=abc", "whole number")]
    [InlineData("--heartbeat-interval=0", "whole number")]
    [InlineData("--election-timeout=400", "five times")]
    [InlineData("--max-request-bytes=-1", "whole number")]
    [InlineData("--initial-cluster-state=maybe", "new or existing")]
    [InlineData("--grpc-keepalive-interval=2", "1m30s")]
    [InlineData("--name=a,b", "comma")]
    public void A_value_out_of_its_range_is_refused_with_the_range(string argument, string range) =>
        Assert.Contains(range, Assert.Throws<RefusalException>(() => Read(argument)).Why);

    [Fact]
    public void Times_are_written_as_Go_writes_them() =>
        Assert.Equal(TimeSpan.FromSeconds(5430), Read("--grpc-keepalive-interval=1h30m30s").Limits.PingDelay);

    private static ServerSettings Read(params string[] arguments) => SettingsReader.Read(FlagValues.Read(arguments, new Dictionary<string, string>()));
}
