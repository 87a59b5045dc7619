using System.Collections.Frozen;

namespace Quorate.Server.Settings;

/// <summary>The flags that the server knows: etcd's, and whether it implements, ignores or rejects each of them; and its own.</summary>
/// <remarks>Source: etcd's documented command line, 3.4 to 3.6.</remarks>
internal static class EtcdFlags
{
    private const string NoTls = "TLS is not supported yet, and a server that ignored the flag would run unencrypted";
    private const string NoDiscovery = "discovery is not supported; list the members in --initial-cluster";
    private const string NoCompaction = "automatic compaction is not supported; compact with a client request (etcdctl compaction)";
    private const string NoSnapshots = "snapshots of the state machine are not supported yet";
    private const string NoAuth = "authentication is not supported yet";

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
        Supported("initial-cluster-state", "initial cluster state: new to bootstrap a cluster, existing to restart a member of one", "new"),
        Supported("heartbeat-interval", "time between heartbeats of the leader, in milliseconds", "100"),
        Supported("election-timeout", "time without a heartbeat after which a member starts an election, in milliseconds", "1000"),
        Supported("max-txn-ops", "maximum number of operations permitted in a transaction", "128"),
        Supported("max-request-bytes", "maximum client request size that the server accepts, in bytes", "1572864"),
        Supported("max-concurrent-streams", "maximum number of concurrent streams that a client can open on one connection", "no limit"),
        Supported("grpc-keepalive-interval", "idle time of a connection after which the server sends a keepalive ping", "2h"),
        Supported("grpc-keepalive-timeout", "time to wait for the response to a keepalive ping before the connection is closed", "20s"),

        Extension("trace-file", "path of a file to which every step of this member's Raft core is appended as a line of JSON", "no trace"),

        Ignored("grpc-keepalive-min-time", "the server does not limit how often a client pings"),
        Ignored("snapshot-count", NoSnapshots),
        Ignored("max-snapshots", NoSnapshots),
        Ignored("max-wals", "the write-ahead log is not compacted yet; no file of it is removed"),
        Ignored("quota-backend-bytes", "quotas are not supported yet; the store grows until memory or disk is full"),
        Ignored("backend-batch-limit", "the store has no backend batches"),
        Ignored("backend-batch-interval", "the store has no backend batches"),
        Ignored("backend-bbolt-freelist-type", "the store is not bbolt"),
        Ignored("auto-compaction-mode", NoCompaction),
        Ignored("auto-compaction-retention", NoCompaction),
        IgnoredBoolean("strict-reconfig-check", "membership changes are not supported yet"),
        Ignored("max-learners", "membership changes are not supported yet"),
        Ignored("auth-token-ttl", NoAuth),
        Ignored("bcrypt-cost", NoAuth),
        IgnoredBoolean("enable-v2", "the v2 API is not supported, as in etcd 3.6"),
        IgnoredBoolean("enable-grpc-gateway", "the JSON gateway is always enabled"),
        IgnoredBoolean("enable-pprof", "Go profiling is not available"),
        IgnoredBoolean("pre-vote", "pre-vote is always enabled"),
        IgnoredBoolean("initial-election-tick-advance", "the first election always starts as early as is safe"),
        IgnoredBoolean("unsafe-no-fsync", "every acknowledged write is flushed; this cannot be disabled"),
        IgnoredBoolean("socket-reuse-port", "a port in use is always an error"),
        IgnoredBoolean("socket-reuse-address", "an address in use is always an error"),
        Ignored("listen-metrics-urls", "metrics are not supported yet; /health is served at the client URLs"),
        Ignored("metrics", "metrics are not supported yet"),
        Ignored("cors", "cross-origin requests (CORS) are not supported"),
        Ignored("host-whitelist", "the Host header is not checked"),
        Ignored("log-level", "the log level cannot be changed"),
        Ignored("log-format", "the log is always text on stderr"),
        Ignored("logger", "the log is always text on stderr"),
        Ignored("log-outputs", "the log is always text on stderr"),
        Ignored("log-package-levels", "the log level cannot be changed"),
        IgnoredBoolean("debug", "the log level cannot be changed"),
        IgnoredBoolean("enable-log-rotation", "the log is always text on stderr; rotate it outside the server"),
        Ignored("log-rotation-config-json", "the log is always text on stderr; rotate it outside the server"),
        Ignored("feature-gates", "there are no feature gates"),
        Ignored("warning-apply-duration", "slow requests are not logged"),
        Ignored("downgrade-check-time", "downgrades are not supported"),

        RejectedBoolean("force-new-cluster", "it removes members; this recovery is not supported yet"),
        Rejected("force-new-cluster-bump-amount", "this recovery is not supported yet"),
        Rejected("config-file", "settings are read from flags and environment variables only"),
        Rejected("wal-dir", "the write-ahead log is always in --data-dir; ignoring the flag would leave the requested directory empty"),
        Rejected("proxy", "proxy mode is not supported, as in etcd 3.6"),
        Rejected("discovery", NoDiscovery),
        Rejected("discovery-srv", NoDiscovery),
        Rejected("discovery-srv-name", NoDiscovery),
        Rejected("discovery-proxy", NoDiscovery),
        Rejected("discovery-fallback", NoDiscovery),
        Rejected("discovery-token", NoDiscovery),
        Rejected("discovery-endpoints", NoDiscovery),
        Rejected("auth-token", NoAuth + "; only \"simple\", etcd's default, and the empty value are accepted"),
        Rejected("cert-file", NoTls),
        Rejected("key-file", NoTls),
        Rejected("trusted-ca-file", NoTls),
        RejectedBoolean("client-cert-auth", NoTls),
        Rejected("client-crl-file", NoTls),
        Rejected("client-cert-allowed-hostname", NoTls),
        RejectedBoolean("auto-tls", NoTls),
        Rejected("peer-cert-file", NoTls),
        Rejected("peer-key-file", NoTls),
        Rejected("peer-trusted-ca-file", NoTls),
        RejectedBoolean("peer-client-cert-auth", NoTls),
        Rejected("peer-crl-file", NoTls),
        Rejected("peer-cert-allowed-cn", NoTls),
        Rejected("peer-cert-allowed-hostname", NoTls),
        RejectedBoolean("peer-auto-tls", NoTls),
        Rejected("self-signed-cert-validity", NoTls),
        Rejected("cipher-suites", NoTls),
        Rejected("tls-min-version", NoTls),
        Rejected("tls-max-version", NoTls),
    ];

    /// <summary>All flags by name.</summary>
    public static FrozenDictionary<string, EtcdFlag> ByName { get; } = All.ToFrozenDictionary(f => f.Name, StringComparer.Ordinal);

    /// <summary>
    /// Finds a flag by name, or returns null. Every <c>experimental-…</c> flag is known and ignored, because etcd removes them from one
    /// release to the next.
    /// </summary>
    public static EtcdFlag? Find(string name) =>
        ByName.GetValueOrDefault(name) ?? (name.StartsWith("experimental-", StringComparison.Ordinal)
            ? new EtcdFlag(
                name, ExperimentalBooleans.Contains(name), FlagSupport.Ignored, "etcd's experimental features are not implemented")
            : null);

    private static FrozenSet<string> ExperimentalBooleans { get; } = FrozenSet.ToFrozenSet(
        [
            "experimental-initial-corrupt-check", "experimental-enable-lease-checkpoint", "experimental-enable-lease-checkpoint-persist",
            "experimental-compact-hash-check-enabled", "experimental-memory-mlock", "experimental-txn-mode-write-with-shared-buffer",
            "experimental-stop-grpc-service-on-defrag", "experimental-enable-distributed-tracing", "experimental-enable-v2v3",
            "experimental-peer-skip-client-san-verification", "experimental-set-member-localaddr",
        ],
        StringComparer.Ordinal);

    private static EtcdFlag Supported(string name, string description, string @default) =>
        new(name, IsBoolean: false, FlagSupport.Supported, description, @default);

    private static EtcdFlag Extension(string name, string description, string @default) =>
        new(name, IsBoolean: false, FlagSupport.Extension, description, @default);

    private static EtcdFlag Ignored(string name, string reason) => new(name, IsBoolean: false, FlagSupport.Ignored, reason);

    private static EtcdFlag IgnoredBoolean(string name, string reason) => new(name, IsBoolean: true, FlagSupport.Ignored, reason);

    private static EtcdFlag Rejected(string name, string reason) => new(name, IsBoolean: false, FlagSupport.Rejected, reason);

    private static EtcdFlag RejectedBoolean(string name, string reason) => new(name, IsBoolean: true, FlagSupport.Rejected, reason);
}
