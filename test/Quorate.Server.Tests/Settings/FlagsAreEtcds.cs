using Quorate.Server.Settings;

namespace Quorate.Server.Tests.Settings;

/// <summary>etcd's command line: Go's flags, twins in the environment, and a clear answer to what cannot be honoured.</summary>
public sealed class FlagsAreEtcds
{
    private static readonly Dictionary<string, string> NoEnvironment = [];

    [Theory]
    [InlineData("--name", "n7")]
    [InlineData("-name", "n7")]
    [InlineData("--name=n7", null)]
    [InlineData("-name=n7", null)]
    public void A_flag_has_one_dash_or_two_and_its_value_beside_it_or_after_an_equals_sign(string first, string? second)
    {
        var flags = Read(second is null ? [first] : [first, second]);

        Assert.Equal("n7", flags.Get("name", "default"));
    }

    [Fact]
    public void The_environment_speaks_where_the_command_line_does_not()
    {
        var environment = new Dictionary<string, string> { ["ETCD_NAME"] = "from-env", ["ETCD_INITIAL_CLUSTER_TOKEN"] = "env-token", ["PATH"] = "/bin" };

        var flags = FlagValues.Read(["--name=from-flag"], environment);

        Assert.Equal("from-flag", flags.Get("name", ""));
        Assert.Equal("env-token", flags.Get("initial-cluster-token", ""));
    }

    [Fact]
    public void A_variable_nobody_knows_is_a_warning()
    {
        var flags = FlagValues.Read([], new Dictionary<string, string> { ["ETCD_NONSENSE"] = "1" });

        Assert.Contains("ETCD_NONSENSE", Assert.Single(flags.Warnings));
    }

    [Theory]
    [InlineData("--data-dirr=x", "did you mean --data-dir?")]
    [InlineData("--zzz", "quorate server --help")]
    public void An_unknown_flag_is_refused_and_the_nearest_is_offered(string argument, string hint)
    {
        var refusal = Assert.Throws<RefusalException>(() => Read([argument]));

        Assert.Equal(ExitCode.Usage, refusal.ExitCode);
        Assert.Contains(hint, refusal.Remedy);
    }

    [Fact]
    public void A_flag_without_its_value_is_refused() =>
        Assert.Contains("--name has no value", Assert.Throws<RefusalException>(() => Read(["--name"])).What);

    [Fact]
    public void A_word_that_stands_alone_is_refused() =>
        Assert.Contains("\"n0\" is not a flag", Assert.Throws<RefusalException>(() => Read(["--force-new-cluster=false", "n0"])).What);

    [Theory]
    [InlineData("--snapshot-count=100")]
    [InlineData("--enable-v2")]
    [InlineData("--strict-reconfig-check=true")]
    [InlineData("--experimental-initial-corrupt-check")]
    [InlineData("--experimental-corrupt-check-time=1m")]
    [InlineData("--quota-backend-bytes=1048576")]
    [InlineData("--bcrypt-cost=4")]
    public void A_harmless_flag_without_effect_is_taken_with_a_warning(string argument) =>
        Assert.Contains("does nothing here", Assert.Single(Read([argument]).Warnings));

    [Theory]
    [InlineData("--cert-file=/x")]
    [InlineData("--client-cert-auth")]
    [InlineData("--peer-auto-tls=true")]
    [InlineData("--auth-token=jwt,pub-key=a")]
    [InlineData("--force-new-cluster")]
    [InlineData("--wal-dir=/elsewhere")]
    public void A_flag_that_would_be_unsafe_to_ignore_is_refused(string argument)
    {
        var refusal = Assert.Throws<RefusalException>(() => Read([argument]));

        Assert.Equal(ExitCode.Usage, refusal.ExitCode);
        Assert.Contains("cannot be honoured", refusal.What);
    }

    [Theory]
    [InlineData("--client-cert-auth=false")]
    [InlineData("--cert-file=")]
    [InlineData("--auth-token=simple")]
    [InlineData("--force-new-cluster=false")]
    public void The_same_flag_with_a_value_that_asks_for_nothing_is_let_through(string argument) => Assert.Empty(Read([argument]).Warnings);

    [Fact]
    public void Every_flag_the_test_suites_use_is_known()
    {
        string[] needed =
        [
            "name", "data-dir", "listen-client-urls", "advertise-client-urls", "listen-peer-urls", "initial-advertise-peer-urls", "initial-cluster",
            "initial-cluster-token", "initial-cluster-state", "heartbeat-interval", "election-timeout", "snapshot-count", "quota-backend-bytes",
            "max-txn-ops", "max-request-bytes", "max-concurrent-streams", "strict-reconfig-check", "auth-token", "auth-token-ttl", "bcrypt-cost",
            "cert-file", "key-file", "trusted-ca-file", "client-cert-auth", "client-crl-file", "auto-tls", "peer-cert-file", "peer-key-file",
            "peer-trusted-ca-file", "peer-client-cert-auth", "peer-auto-tls", "peer-cert-allowed-cn", "cipher-suites", "listen-metrics-urls",
            "force-new-cluster", "enable-v2", "grpc-keepalive-min-time", "grpc-keepalive-interval", "grpc-keepalive-timeout",
            "experimental-initial-corrupt-check", "experimental-corrupt-check-time", "experimental-enable-lease-checkpoint",
            "experimental-watch-progress-notify-interval",
        ];

        Assert.All(needed, name => Assert.NotNull(EtcdFlags.Find(name)));
    }

    private static FlagValues Read(string[] arguments) => FlagValues.Read(arguments, NoEnvironment);
}
