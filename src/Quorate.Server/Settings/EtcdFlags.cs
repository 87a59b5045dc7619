using System.Collections.Frozen;
using Quorate.Node.Versions;

namespace Quorate.Server.Settings;

/// <summary>The flags that the server knows: etcd's, and whether it implements, ignores or rejects each of them; and its own.</summary>
/// <remarks>
/// A flag that bounds growth or moves a service to another address is rejected, because a server that ignored it would fill the disk, or
/// not be where its clients and probes look for it. Source: etcd's documented command line, 3.4 to 3.6.
/// </remarks>
internal static class EtcdFlags
{
    private const string ExperimentalPrefix = "experimental-";
    private const string NoTls = "TLS is not supported yet, and a server that ignored the flag would run unencrypted";
    private const string NoDiscovery = "discovery is not supported; list the members in --initial-cluster";
    private const string NoCompaction =
        "automatic compaction is not supported yet, and without it the history grows until memory is full; "
        + "leave the flag out or set it to 0, and compact with a client request (etcdctl compaction)";

    private const string NoQuota =
        "quotas are not supported yet: the store grows until memory or disk is full; "
        + "leave the flag out or set it to 0, and bound memory and disk outside the server";

    private const string NoAuth = "authentication is not supported yet";
    private const string NoTracing = "traces are not exported";
    private const string NoCorruptionCheck = "members do not compare their hashes yet; compare them with etcdctl endpoint hashkv";
    private const string NoProxy = "proxy mode is not supported, as in etcd 3.6";
    private const string NoDowngrade = "downgrades are not supported";
    private const string Obsolete = "etcd ignores it as well, since 2.0";

    /// <summary>All flags, in the order in which <c>--help</c> prints them.</summary>
    public static IReadOnlyList<EtcdFlag> All { get; } =
    [
        Supported("name", "human-readable name of this member", "default"),
        Supported("data-dir", "path to the data directory", "<name>.etcd"),
        Supported("listen-client-urls", "comma-separated URLs to listen on for client traffic (gRPC and HTTP)", "http://localhost:2379"),
        Supported(
            "advertise-client-urls", "comma-separated client URLs of this member to advertise to clients",
            "the value of --listen-client-urls"),
        Supported("listen-peer-urls", "comma-separated URLs to listen on for peer traffic", "http://localhost:2380"),
        Supported(
            "initial-advertise-peer-urls", "comma-separated peer URLs of this member to advertise to the other members",
            "http://localhost:2380"),
        Supported(
            "initial-cluster", "initial cluster configuration for bootstrapping: comma-separated NAME=PEER-URL",
            "<name>=<initial-advertise-peer-urls>"),
        Supported(
            "initial-cluster-token", "cluster token for bootstrapping; distinguishes clusters that reuse the same addresses",
            "etcd-cluster"),
        Supported("initial-cluster-state", "initial cluster state: new to bootstrap a cluster, existing to join one", "new"),
        Supported("max-learners", "maximum number of learners that are added as such", "1"),
        Supported("heartbeat-interval", "time between heartbeats of the leader, in milliseconds", "100"),
        Supported("election-timeout", "time without a heartbeat after which a member starts an election, in milliseconds", "1000"),
        Supported("max-txn-ops", "maximum number of operations permitted in a transaction", "128"),
        Supported("max-request-bytes", "maximum client request size that the server accepts, in bytes", "1572864"),
        Supported("max-concurrent-streams", "maximum number of concurrent streams that a client can open on one connection", "4096"),
        Supported(
            "grpc-keepalive-interval", "idle time of a connection after which the server sends a keepalive ping; 0 sends none", "2h"),
        Supported("grpc-keepalive-timeout", "time to wait for the response to a keepalive ping before the connection is closed", "20s"),
        Supported("cors", "comma-separated origins (http://HOST[:PORT]) whose web pages may use the JSON gateway; * for all", "none"),
        Supported(
            "host-whitelist", "comma-separated host names by which HTTP clients may address this server; * for all",
            "any, but only its own names for web pages"),

        Supported(
            "watch-progress-notify-interval", "idle time after which a watcher that wants progress notifications receives one", "10m"),
        Supported(
            "snapshot-count", "number of log entries after which a snapshot is taken, if the log has not grown by 64 MiB before", "100000"),
        Supported("log-level", "least severe messages to log: debug, info, warn, error, panic or fatal", "info"),

        Extension(
            "peer-secret-file", "path of a file with the secret that all members share; a program without it is not accepted as a peer",
            "no secret"),
        Extension(
            "max-cluster-version", "highest version of the cluster that this member supports; keeps the cluster at it during an upgrade",
            ClusterVersion.Current.ToString()),
        Extension("trace-file", "path of a file to which every step of this member's Raft core is appended as a line of JSON", "no trace"),

        Ignored("grpc-keepalive-min-time", "the server does not limit how often a client pings"),
        Ignored("snapshot-catchup-entries", "up to 10,000 entries and 16 MiB before a snapshot stay in the log"),
        Ignored("max-snapshots", "only the newest snapshot is kept"),
        Ignored("max-wals", "a file of the write-ahead log is removed when a snapshot covers it"),
        Ignored("backend-batch-limit", "the store has no backend batches"),
        Ignored("backend-batch-interval", "the store has no backend batches"),
        Ignored("backend-bbolt-freelist-type", "the store is not bbolt"),
        Ignored("bootstrap-defrag-threshold-megabytes", "the store needs no defragmentation"),
        Ignored("auto-compaction-mode", "automatic compaction is not supported yet"),
        Ignored("compaction-batch-limit", "a compaction removes old revisions in batches of its own size"),
        Ignored("compaction-sleep-interval", "a compaction removes old revisions in batches of its own size"),
        IgnoredBoolean("strict-reconfig-check", "a change that would lose the quorum is always refused"),
        Ignored("auth-token-ttl", NoAuth),
        Ignored("bcrypt-cost", NoAuth),
        IgnoredBoolean("enable-v2", "the v2 API is not supported, as in etcd 3.6"),
        Ignored("experimental-enable-v2v3", "the v2 API is not supported, as in etcd 3.6"),
        Ignored("v2-deprecation", "there is no v2 store"),
        IgnoredBoolean("enable-grpc-gateway", "the JSON gateway is always enabled"),
        IgnoredBoolean("enable-pprof", "Go profiling is not available"),
        IgnoredBoolean("pre-vote", "pre-vote is always enabled"),
        IgnoredBoolean("initial-election-tick-advance", "the first election always starts as early as is safe"),
        IgnoredBoolean("unsafe-no-fsync", "every acknowledged write is flushed; this cannot be disabled"),
        IgnoredBoolean("socket-reuse-port", "a port in use is always an error"),
        IgnoredBoolean("socket-reuse-address", "an address in use is always an error"),
        IgnoredBoolean("memory-mlock", "the memory of the process is not locked; disable swap instead"),
        Ignored("metrics", "/metrics has one level of detail"),
        Ignored("log-format", "the log is always text on stderr"),
        Ignored("logger", "the log is always text on stderr"),
        Ignored("log-outputs", "the log is always text on stderr"),
        Ignored("log-output", "the log is always text on stderr"),
        Ignored("log-package-levels", "the log has one level for all its categories; use --log-level"),
        IgnoredBoolean("debug", "use --log-level=debug"),
        IgnoredBoolean("enable-log-rotation", "the log is always text on stderr; rotate it outside the server"),
        Ignored("log-rotation-config-json", "the log is always text on stderr; rotate it outside the server"),
        Ignored("feature-gates", "there are no feature gates"),
        IgnoredBoolean("experimental-initial-corrupt-check", NoCorruptionCheck),
        Ignored("corrupt-check-time", NoCorruptionCheck),
        IgnoredBoolean("experimental-compact-hash-check-enabled", NoCorruptionCheck),
        Ignored("compact-hash-check-time", NoCorruptionCheck),
        IgnoredBoolean("experimental-enable-lease-checkpoint", "a new leader restores every lease to its full time to live"),
        IgnoredBoolean("experimental-enable-lease-checkpoint-persist", "a new leader restores every lease to its full time to live"),
        IgnoredBoolean("experimental-txn-mode-write-with-shared-buffer", "the store has no buffer of writes"),
        IgnoredBoolean("experimental-stop-grpc-service-on-defrag", "a defragmentation does not interrupt the service"),
        IgnoredBoolean("experimental-set-member-localaddr", "the system chooses the local address of a connection to a peer"),
        Ignored("warning-apply-duration", "the limits of the warnings about a slow disk and a slow state machine are fixed"),
        Ignored("warning-unary-request-duration", "slow requests are not logged"),
        IgnoredBoolean("enable-distributed-tracing", NoTracing),
        Ignored("distributed-tracing-address", NoTracing),
        Ignored("distributed-tracing-service-name", NoTracing),
        Ignored("distributed-tracing-instance-id", NoTracing),
        Ignored("distributed-tracing-sampling-rate", NoTracing),
        Ignored("downgrade-check-time", NoDowngrade),
        IgnoredBoolean("next-cluster-version-compatible", NoDowngrade),
        Ignored("raft-read-timeout", "a silent peer connection is closed after a fixed time"),
        Ignored("raft-write-timeout", "a silent peer connection is closed after a fixed time"),
        Ignored("proxy-failure-wait", NoProxy),
        Ignored("proxy-refresh-interval", NoProxy),
        Ignored("proxy-dial-timeout", NoProxy),
        Ignored("proxy-write-timeout", NoProxy),
        Ignored("proxy-read-timeout", NoProxy),
        Ignored("discovery-dial-timeout", NoDiscovery),
        Ignored("discovery-request-timeout", NoDiscovery),
        Ignored("discovery-keepalive-time", NoDiscovery),
        Ignored("discovery-keepalive-timeout", NoDiscovery),
        IgnoredBoolean("discovery-insecure-transport", NoDiscovery),
        IgnoredBoolean("discovery-insecure-skip-tls-verify", NoDiscovery),
        Ignored("discovery-cert", NoDiscovery),
        Ignored("discovery-key", NoDiscovery),
        Ignored("discovery-cacert", NoDiscovery),
        Ignored("discovery-user", NoDiscovery),
        Ignored("discovery-password", NoDiscovery),
        .. new[]
        {
            "cluster-active-size", "cluster-remove-delay", "cluster-sync-interval", "config", "force", "max-result-buffer",
            "max-retry-attempts", "peer-heartbeat-interval", "peer-election-timeout", "retry-interval", "snapshot", "v", "vv",
        }.Select(name => IgnoredBoolean(name, Obsolete)),

        Rejected("quota-backend-bytes", NoQuota, "0", "-1"),
        Rejected("auto-compaction-retention", NoCompaction, "0"),
        Rejected(
            "listen-metrics-urls",
            "/metrics, /health, /livez and /readyz are served at the client URLs only, and a probe of another address would find nothing; "
                + "leave the flag out and point probes and scrapers to --listen-client-urls"),
        Rejected(
            "listen-client-http-urls",
            "gRPC and HTTP share the addresses in --listen-client-urls, and a client of another address would find nothing; "
                + "leave the flag out"),

        RejectedBoolean("force-new-cluster", "it removes members; this recovery is not supported yet"),
        Rejected("force-new-cluster-bump-amount", "this recovery is not supported yet"),
        Rejected("config-file", "settings are read from flags and environment variables only"),
        Rejected("wal-dir", "the write-ahead log is always in --data-dir; ignoring the flag would leave the requested directory empty"),
        Rejected("proxy", NoProxy, "off"),
        Rejected("discovery", NoDiscovery),
        Rejected("discovery-srv", NoDiscovery),
        Rejected("discovery-srv-name", NoDiscovery),
        Rejected("discovery-proxy", NoDiscovery),
        Rejected("discovery-fallback", NoDiscovery, "proxy", "exit"),
        Rejected("discovery-token", NoDiscovery),
        Rejected("discovery-endpoints", NoDiscovery),
        Rejected("auth-token", NoAuth + "; only \"simple\", etcd's default, and the empty value are accepted", "simple"),
        Rejected("cert-file", NoTls),
        Rejected("key-file", NoTls),
        Rejected("trusted-ca-file", NoTls),
        RejectedBoolean("client-cert-auth", NoTls),
        Rejected("client-cert-file", NoTls),
        Rejected("client-key-file", NoTls),
        Rejected("client-crl-file", NoTls),
        Rejected("client-cert-allowed-hostname", NoTls),
        RejectedBoolean("auto-tls", NoTls),
        Rejected("peer-cert-file", NoTls),
        Rejected("peer-key-file", NoTls),
        Rejected("peer-client-cert-file", NoTls),
        Rejected("peer-client-key-file", NoTls),
        RejectedBoolean("peer-skip-client-san-verification", NoTls),
        Rejected("peer-trusted-ca-file", NoTls),
        RejectedBoolean("peer-client-cert-auth", NoTls),
        Rejected("peer-crl-file", NoTls),
        Rejected("peer-cert-allowed-cn", NoTls),
        Rejected("peer-cert-allowed-hostname", NoTls),
        RejectedBoolean("peer-auto-tls", NoTls),
        Rejected("self-signed-cert-validity", NoTls, "1"),
        Rejected("cipher-suites", NoTls),
        Rejected("tls-min-version", NoTls, "TLS1.2"),
        Rejected("tls-max-version", NoTls),
    ];

    /// <summary>All flags by name.</summary>
    public static FrozenDictionary<string, EtcdFlag> ByName { get; } = All.ToFrozenDictionary(f => f.Name, StringComparer.Ordinal);

    /// <summary>
    /// Finds a flag by name, or returns null. <c>experimental-NAME</c> is the flag NAME, which several releases of etcd have under both
    /// names. Every other <c>experimental-…</c> flag is known and ignored, because etcd removes them from one release to the next.
    /// </summary>
    public static EtcdFlag? Find(string name)
    {
        if (ByName.TryGetValue(name, out var flag) || !name.StartsWith(ExperimentalPrefix, StringComparison.Ordinal))
            return flag;
        return ByName.GetValueOrDefault(name[ExperimentalPrefix.Length..])
            ?? Ignored(name, "etcd's experimental features are not implemented");
    }

    private static EtcdFlag Supported(string name, string description, string @default) =>
        new(name, IsBoolean: false, FlagSupport.Supported, description, @default);

    private static EtcdFlag Extension(string name, string description, string @default) =>
        new(name, IsBoolean: false, FlagSupport.Extension, description, @default);

    private static EtcdFlag Ignored(string name, string reason) => new(name, IsBoolean: false, FlagSupport.Ignored, reason);

    private static EtcdFlag IgnoredBoolean(string name, string reason) => new(name, IsBoolean: true, FlagSupport.Ignored, reason);

    private static EtcdFlag Rejected(string name, string reason, params string[] harmlessValues) =>
        new(name, IsBoolean: false, FlagSupport.Rejected, reason) { HarmlessValues = harmlessValues };

    private static EtcdFlag RejectedBoolean(string name, string reason) => new(name, IsBoolean: true, FlagSupport.Rejected, reason);
}
