using System.Collections.Frozen;

namespace Quorate.Server.Settings;

/// <summary>Every flag of etcd's that the server knows, and what becomes of it.</summary>
/// <remarks>Source: etcd's published command line, 3.4 to 3.6.</remarks>
internal static class EtcdFlags
{
    private const string NoTls = "there is no TLS here yet, and a server that pretends to be protected is worse than one that does not start";
    private const string NoDiscovery = "there is no discovery service here: --initial-cluster names the members";
    private const string NoCompaction = "history is compacted only when a client asks";
    private const string NoAuth = "there is no authentication here yet";

    /// <summary>All of them, in the order of help.</summary>
    public static IReadOnlyList<EtcdFlag> All { get; } =
    [
        Supported("name", "this member's name", "default"),
        Supported("data-dir", "the folder that holds everything this member knows", "<name>.etcd"),
        Supported("listen-client-urls", "where clients are served, comma-separated", "http://localhost:2379"),
        Supported("advertise-client-urls", "where clients are told to find this member", "the listen URLs"),
        Supported("listen-peer-urls", "where the other members are heard", "http://localhost:2380"),
        Supported("initial-advertise-peer-urls", "where the other members find this one", "http://localhost:2380"),
        Supported("initial-cluster", "all members as name=peer-url, comma-separated", "<name>=<peer URL>"),
        Supported("initial-cluster-token", "a word that tells this cluster from others at the same addresses", "etcd-cluster"),
        Supported("initial-cluster-state", "new or existing", "new"),
        Supported("heartbeat-interval", "milliseconds between a leader's heartbeats", "100"),
        Supported("election-timeout", "milliseconds without a leader before an election", "1000"),
        Supported("max-txn-ops", "the most operations in one transaction", "128"),
        Supported("max-request-bytes", "the largest request, bytes", "1572864"),
        Supported("max-concurrent-streams", "the most calls at a time on one connection", "no limit"),
        Supported("grpc-keepalive-interval", "how long a connection may be silent before the server pings", "2h"),
        Supported("grpc-keepalive-timeout", "how long the server waits for the answer to its ping", "20s"),

        Ignored("grpc-keepalive-min-time", "clients may ping as often as they like"),
        Ignored("snapshot-count", "when to take a snapshot is the server's own decision"),
        Ignored("max-snapshots", "when to remove a file is the server's own decision"),
        Ignored("max-wals", "when to remove a file is the server's own decision"),
        Ignored("quota-backend-bytes", "there is no quota yet: the store grows until memory or disk is full"),
        Ignored("backend-batch-limit", "the store has no batches to tune"),
        Ignored("backend-batch-interval", "the store has no batches to tune"),
        Ignored("backend-bbolt-freelist-type", "the store is not bbolt"),
        Ignored("auto-compaction-mode", NoCompaction),
        Ignored("auto-compaction-retention", NoCompaction),
        IgnoredBoolean("strict-reconfig-check", "members cannot be changed yet"),
        Ignored("max-learners", "members cannot be changed yet"),
        Ignored("auth-token-ttl", NoAuth),
        Ignored("bcrypt-cost", NoAuth),
        IgnoredBoolean("enable-v2", "the v2 API is gone, as it is from etcd 3.6"),
        IgnoredBoolean("enable-grpc-gateway", "the JSON gateway is always there"),
        IgnoredBoolean("enable-pprof", "there is no Go profile to show"),
        IgnoredBoolean("pre-vote", "pre-votes are always asked for"),
        IgnoredBoolean("initial-election-tick-advance", "the first election comes as soon as it safely can"),
        IgnoredBoolean("unsafe-no-fsync", "every acknowledged write is flushed, whatever is asked"),
        IgnoredBoolean("socket-reuse-port", "a port in use is an error worth seeing"),
        IgnoredBoolean("socket-reuse-address", "a port in use is an error worth seeing"),
        Ignored("listen-metrics-urls", "there are no metrics yet; /health is at the client URLs"),
        Ignored("metrics", "there are no metrics yet"),
        Ignored("cors", "browsers' cross-origin requests are not answered"),
        Ignored("host-whitelist", "the Host header is not looked at"),
        Ignored("log-level", "the log says what an operator needs"),
        Ignored("log-format", "the log is text on stderr"),
        Ignored("logger", "the log is text on stderr"),
        Ignored("log-outputs", "the log is text on stderr"),
        Ignored("log-package-levels", "the log is text on stderr"),
        IgnoredBoolean("debug", "the log says what an operator needs"),
        IgnoredBoolean("enable-log-rotation", "the log is text on stderr"),
        Ignored("log-rotation-config-json", "the log is text on stderr"),
        Ignored("feature-gates", "there are no features to switch"),
        Ignored("warning-apply-duration", "slow requests are not logged"),
        Ignored("downgrade-check-time", "there is nothing to downgrade to"),

        RejectedBoolean("force-new-cluster", "it would throw members away; there is no such recovery here yet"),
        Rejected("force-new-cluster-bump-amount", "there is no such recovery here yet"),
        Rejected("config-file", "settings come from flags and the environment alone"),
        Rejected("wal-dir", "the log lives in --data-dir, and a folder that was asked for must not stay empty unnoticed"),
        Rejected("proxy", "there is no proxy mode, as there is none in etcd 3.6"),
        Rejected("discovery", NoDiscovery),
        Rejected("discovery-srv", NoDiscovery),
        Rejected("discovery-srv-name", NoDiscovery),
        Rejected("discovery-proxy", NoDiscovery),
        Rejected("discovery-fallback", NoDiscovery),
        Rejected("discovery-token", NoDiscovery),
        Rejected("discovery-endpoints", NoDiscovery),
        Rejected("auth-token", NoAuth + "; only \"simple\" and empty are let through, because they are etcd's default"),
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

    /// <summary>By name.</summary>
    public static FrozenDictionary<string, EtcdFlag> ByName { get; } = All.ToFrozenDictionary(f => f.Name, StringComparer.Ordinal);

    /// <summary>Finds a flag; any <c>experimental-…</c> one is known, and ignored, because etcd itself drops them from one release to the next.</summary>
    public static EtcdFlag? Find(string name) =>
        ByName.GetValueOrDefault(name) ?? (name.StartsWith("experimental-", StringComparison.Ordinal)
            ? new EtcdFlag(name, ExperimentalBooleans.Contains(name), FlagSupport.Ignored, "experiments of etcd's are not repeated here")
            : null);

    private static FrozenSet<string> ExperimentalBooleans { get; } = FrozenSet.ToFrozenSet(
        [
            "experimental-initial-corrupt-check", "experimental-enable-lease-checkpoint", "experimental-enable-lease-checkpoint-persist",
            "experimental-compact-hash-check-enabled", "experimental-memory-mlock", "experimental-txn-mode-write-with-shared-buffer",
            "experimental-stop-grpc-service-on-defrag", "experimental-enable-distributed-tracing", "experimental-enable-v2v3",
            "experimental-peer-skip-client-san-verification", "experimental-set-member-localaddr",
        ],
        StringComparer.Ordinal);

    private static EtcdFlag Supported(string name, string description, string @default) => new(name, IsBoolean: false, FlagSupport.Supported, description, @default);

    private static EtcdFlag Ignored(string name, string reason) => new(name, IsBoolean: false, FlagSupport.Ignored, reason);

    private static EtcdFlag IgnoredBoolean(string name, string reason) => new(name, IsBoolean: true, FlagSupport.Ignored, reason);

    private static EtcdFlag Rejected(string name, string reason) => new(name, IsBoolean: false, FlagSupport.Rejected, reason);

    private static EtcdFlag RejectedBoolean(string name, string reason) => new(name, IsBoolean: true, FlagSupport.Rejected, reason);
}
