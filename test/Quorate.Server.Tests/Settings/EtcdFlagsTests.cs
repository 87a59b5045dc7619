using Quorate.Server.Settings;

namespace Quorate.Server.Tests.Settings;

/// <summary>
/// Every flag of etcd 3.4, 3.5 and 3.6 is used, accepted with a warning, or rejected with a reason. The two lists of names are those that
/// the three releases register, with the names that they accept and ignore.
/// </summary>
public sealed class EtcdFlagsTests
{
    private static readonly string[] Booleans =
    [
        "auto-tls", "client-cert-auth", "cluster-active-size", "cluster-remove-delay", "cluster-sync-interval", "config", "debug",
        "discovery-insecure-skip-tls-verify", "discovery-insecure-transport", "enable-distributed-tracing", "enable-grpc-gateway",
        "enable-log-rotation", "enable-pprof", "enable-v2", "experimental-compact-hash-check-enabled",
        "experimental-enable-distributed-tracing", "experimental-enable-lease-checkpoint",
        "experimental-enable-lease-checkpoint-persist", "experimental-initial-corrupt-check", "experimental-memory-mlock",
        "experimental-peer-skip-client-san-verification", "experimental-stop-grpc-service-on-defrag",
        "experimental-txn-mode-write-with-shared-buffer", "force", "force-new-cluster", "initial-election-tick-advance",
        "max-result-buffer", "max-retry-attempts", "memory-mlock", "next-cluster-version-compatible", "peer-auto-tls",
        "peer-client-cert-auth", "peer-election-timeout", "peer-heartbeat-interval", "peer-skip-client-san-verification", "pre-vote",
        "retry-interval", "snapshot", "socket-reuse-address", "socket-reuse-port", "strict-reconfig-check", "unsafe-no-fsync", "v", "vv",
    ];

    private static readonly string[] WithValue =
    [
        "advertise-client-urls", "auth-token", "auth-token-ttl", "auto-compaction-mode", "auto-compaction-retention",
        "backend-batch-interval", "backend-batch-limit", "backend-bbolt-freelist-type", "bcrypt-cost",
        "bootstrap-defrag-threshold-megabytes", "cert-file", "cipher-suites", "client-cert-allowed-hostname", "client-cert-file",
        "client-crl-file", "client-key-file", "compact-hash-check-time", "compaction-batch-limit", "compaction-sleep-interval",
        "config-file", "corrupt-check-time", "cors", "data-dir", "discovery", "discovery-cacert", "discovery-cert",
        "discovery-dial-timeout", "discovery-endpoints", "discovery-fallback", "discovery-keepalive-time", "discovery-keepalive-timeout",
        "discovery-key", "discovery-password", "discovery-proxy", "discovery-request-timeout", "discovery-srv", "discovery-srv-name",
        "discovery-token", "discovery-user", "distributed-tracing-address", "distributed-tracing-instance-id",
        "distributed-tracing-sampling-rate", "distributed-tracing-service-name", "downgrade-check-time", "election-timeout",
        "experimental-backend-bbolt-freelist-type", "experimental-bootstrap-defrag-threshold-megabytes",
        "experimental-compact-hash-check-time", "experimental-compaction-batch-limit", "experimental-compaction-sleep-interval",
        "experimental-corrupt-check-time", "experimental-distributed-tracing-address", "experimental-distributed-tracing-instance-id",
        "experimental-distributed-tracing-sampling-rate", "experimental-distributed-tracing-service-name",
        "experimental-downgrade-check-time", "experimental-enable-v2v3", "experimental-snapshot-catchup-entries",
        "experimental-warning-apply-duration", "experimental-warning-unary-request-duration",
        "experimental-watch-progress-notify-interval", "feature-gates", "grpc-keepalive-interval", "grpc-keepalive-min-time",
        "grpc-keepalive-timeout", "heartbeat-interval", "host-whitelist", "initial-advertise-peer-urls", "initial-cluster",
        "initial-cluster-state", "initial-cluster-token", "key-file", "listen-client-http-urls", "listen-client-urls",
        "listen-metrics-urls", "listen-peer-urls", "log-format", "log-level", "log-output", "log-outputs", "log-package-levels",
        "log-rotation-config-json", "logger", "max-concurrent-streams", "max-learners", "max-request-bytes", "max-snapshots",
        "max-txn-ops", "max-wals", "metrics", "name", "peer-cert-allowed-cn", "peer-cert-allowed-hostname", "peer-cert-file",
        "peer-client-cert-file", "peer-client-key-file", "peer-crl-file", "peer-key-file", "peer-trusted-ca-file", "proxy",
        "proxy-dial-timeout", "proxy-failure-wait", "proxy-read-timeout", "proxy-refresh-interval", "proxy-write-timeout",
        "quota-backend-bytes", "raft-read-timeout", "raft-write-timeout", "self-signed-cert-validity", "snapshot-catchup-entries",
        "snapshot-count", "tls-max-version", "tls-min-version", "trusted-ca-file", "v2-deprecation", "wal-dir", "warning-apply-duration",
        "warning-unary-request-duration", "watch-progress-notify-interval",
    ];

    /// <summary>A flag that Go's parser considers boolean takes no value from the next argument.</summary>
    [Fact]
    public void Every_flag_of_etcd_is_known_and_has_etcds_syntax()
    {
        Assert.Equal([], Booleans.Where(name => EtcdFlags.Find(name) is not { IsBoolean: true }));
        Assert.Equal([], WithValue.Where(name => EtcdFlags.Find(name) is not { IsBoolean: false }));
    }

    [Fact]
    public void Every_flag_that_is_not_used_has_a_reason() =>
        Assert.All(EtcdFlags.All, flag => Assert.NotEmpty(flag.Description));

    [Fact]
    public void A_flag_that_is_known_is_a_flag_of_etcd() =>
        Assert.Equal(
            [],
            EtcdFlags.All.Where(flag => flag.Support != FlagSupport.Extension).Select(flag => flag.Name)
                .Except([.. Booleans, .. WithValue, .. AddedElsewhere]));

    /// <summary>Flags of etcd that other patch releases have.</summary>
    private static readonly string[] AddedElsewhere = ["experimental-set-member-localaddr", "force-new-cluster-bump-amount", "log-format"];

    /// <summary>What each kind of flag does: it is used, it warns, or it is rejected for the reason given.</summary>
    [Theory]
    [InlineData("--watch-progress-notify-interval=5s", "used")]
    [InlineData("--experimental-watch-progress-notify-interval=5s", "used")]
    [InlineData("--log-level=debug", "used")]
    [InlineData("--grpc-keepalive-interval=0", "used")]
    [InlineData("--snapshot-count=10000", "used")]
    [InlineData("--snapshot-count=0", "rejected: ")]
    [InlineData("--snapshot-catchup-entries=100", "warns: up to 10,000 entries and 16 MiB")]
    [InlineData("--experimental-snapshot-catchup-entries=100", "warns: up to 10,000 entries and 16 MiB")]
    [InlineData("--v2-deprecation=not-yet", "warns: there is no v2 store")]
    [InlineData("--compaction-batch-limit=100", "warns: a compaction removes old revisions")]
    [InlineData("--corrupt-check-time=1m", "warns: members do not compare their hashes yet")]
    [InlineData("--experimental-corrupt-check-time=1m", "warns: members do not compare their hashes yet")]
    [InlineData("--experimental-initial-corrupt-check", "warns: members do not compare their hashes yet")]
    [InlineData("--experimental-of-the-next-release=1", "warns: etcd's experimental features are not implemented")]
    [InlineData("--auto-compaction-mode=periodic", "warns: automatic compaction is not supported yet")]
    [InlineData("--cluster-active-size", "warns: etcd ignores it as well")]
    [InlineData("--quota-backend-bytes=1048576", "rejected: quotas are not supported yet")]
    [InlineData("--quota-backend-bytes=8589934592", "rejected: quotas are not supported yet")]
    [InlineData("--quota-backend-bytes=0", "used")]
    [InlineData("--quota-backend-bytes=-1", "used")]
    [InlineData("--auto-compaction-retention=1", "rejected: automatic compaction is not supported yet")]
    [InlineData("--auto-compaction-retention=5m", "rejected: automatic compaction is not supported yet")]
    [InlineData("--auto-compaction-retention=0", "used")]
    [InlineData("--listen-metrics-urls=http://127.0.0.1:2381", "rejected: /metrics, /health, /livez and /readyz are served at the client")]
    [InlineData("--listen-metrics-urls=", "used")]
    [InlineData("--listen-client-http-urls=http://127.0.0.1:2382", "rejected: gRPC and HTTP share the addresses")]
    [InlineData("--peer-skip-client-san-verification", "rejected: TLS is not supported yet")]
    [InlineData("--experimental-peer-skip-client-san-verification", "rejected: TLS is not supported yet")]
    [InlineData("--experimental-peer-skip-client-san-verification=false", "used")]
    [InlineData("--tls-min-version=TLS1.2", "used")]
    [InlineData("--proxy=off", "used")]
    [InlineData("--proxy=on", "rejected: proxy mode is not supported")]
    [InlineData("--max-request-bytes=8388609", "rejected: a request is one record of the write-ahead log")]
    [InlineData("--max-request-bytes=99999999999", "rejected: a request is one record of the write-ahead log")]
    [InlineData("--watch-progress-notify-interval=99ms", "rejected: it must be a duration of at least 100 ms")]
    [InlineData("--log-level=loud", "rejected: it must be debug, info, warn, error, panic or fatal")]
    public void A_flag_is_used_or_warns_or_is_rejected_with_a_reason(string argument, string outcome) =>
        Assert.StartsWith(outcome, Outcome(argument));

    [Fact]
    public void Both_spellings_of_the_progress_interval_set_it()
    {
        Assert.Equal(TimeSpan.FromSeconds(5), Parse("--watch-progress-notify-interval=5s").WatchProgressInterval);
        Assert.Equal(TimeSpan.FromSeconds(5), Parse("--experimental-watch-progress-notify-interval=5s").WatchProgressInterval);
        Assert.Equal(TimeSpan.FromMinutes(10), Parse().WatchProgressInterval);
    }

    /// <summary>The flags of kubeadm's static pod, without those for TLS.</summary>
    [Fact]
    public void The_flags_of_kubeadm_are_accepted() =>
        Parse(
            "--advertise-client-urls=http://10.0.0.1:2379", "--data-dir=/var/lib/etcd", "--feature-gates=InitialCorruptCheck=true",
            "--initial-advertise-peer-urls=http://10.0.0.1:2380", "--initial-cluster=cp=http://10.0.0.1:2380",
            "--listen-client-urls=http://127.0.0.1:2379,http://10.0.0.1:2379", "--listen-peer-urls=http://10.0.0.1:2380", "--name=cp",
            "--snapshot-count=10000", "--watch-progress-notify-interval=5s");

    private static ServerSettings Parse(params string[] arguments) =>
        SettingsParser.Parse(ParsedFlags.Parse(arguments, new Dictionary<string, string>()));

    private static string Outcome(string argument)
    {
        try
        {
            var flags = ParsedFlags.Parse([argument], new Dictionary<string, string>());
            SettingsParser.Parse(flags);
            SettingsParser.ParseLogLevel(flags);
            return flags.Warnings is [var warning] ? "warns: " + warning[(warning.IndexOf(": ", StringComparison.Ordinal) + 2)..] : "used";
        }
        catch (StartupException rejected)
        {
            return "rejected: " + rejected.Why;
        }
    }
}
