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
        Used("name", "this member's name", "default"),
        Used("data-dir", "the folder that holds everything this member knows", "<name>.etcd"),
        Used("listen-client-urls", "where clients are served, comma-separated", "http://localhost:2379"),
        Used("advertise-client-urls", "where clients are told to find this member", "the listen URLs"),
        Used("listen-peer-urls", "where the other members are heard", "http://localhost:2380"),
        Used("initial-advertise-peer-urls", "where the other members find this one", "http://localhost:2380"),
        Used("initial-cluster", "all members as name=peer-url, comma-separated", "<name>=<peer URL>"),
        Used("initial-cluster-token", "a word that tells this cluster from others at the same addresses", "etcd-cluster"),
        Used("initial-cluster-state", "new or existing", "new"),
        Used("heartbeat-interval", "milliseconds between a leader's heartbeats", "100"),
        Used("election-timeout", "milliseconds without a leader before an election", "1000"),
        Used("max-txn-ops", "the most operations in one transaction", "128"),
        Used("max-request-bytes", "the largest request, bytes", "1572864"),
        Used("max-concurrent-streams", "the most calls at a time on one connection", "no limit"),
        Used("grpc-keepalive-interval", "how long a connection may be silent before the server pings", "2h"),
        Used("grpc-keepalive-timeout", "how long the server waits for the answer to its ping", "20s"),

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
        IgnoredSwitch("strict-reconfig-check", "members cannot be changed yet"),
        Ignored("max-learners", "members cannot be changed yet"),
        Ignored("auth-token-ttl", NoAuth),
        Ignored("bcrypt-cost", NoAuth),
        IgnoredSwitch("enable-v2", "the v2 API is gone, as it is from etcd 3.6"),
        IgnoredSwitch("enable-grpc-gateway", "the JSON gateway is always there"),
        IgnoredSwitch("enable-pprof", "there is no Go profile to show"),
        IgnoredSwitch("pre-vote", "pre-votes are always asked for"),
        IgnoredSwitch("initial-election-tick-advance", "the first election comes as soon as it safely can"),
        IgnoredSwitch("unsafe-no-fsync", "every acknowledged write is flushed, whatever is asked"),
        IgnoredSwitch("socket-reuse-port", "a port in use is an error worth seeing"),
        IgnoredSwitch("socket-reuse-address", "a port in use is an error worth seeing"),
        Ignored("listen-metrics-urls", "there are no metrics yet; /health is at the client URLs"),
        Ignored("metrics", "there are no metrics yet"),
        Ignored("cors", "browsers' cross-origin requests are not answered"),
        Ignored("host-whitelist", "the Host header is not looked at"),
        Ignored("log-level", "the log says what an operator needs"),
        Ignored("log-format", "the log is text on stderr"),
        Ignored("logger", "the log is text on stderr"),
        Ignored("log-outputs", "the log is text on stderr"),
        Ignored("log-package-levels", "the log is text on stderr"),
        IgnoredSwitch("debug", "the log says what an operator needs"),
        IgnoredSwitch("enable-log-rotation", "the log is text on stderr"),
        Ignored("log-rotation-config-json", "the log is text on stderr"),
        Ignored("feature-gates", "there are no features to switch"),
        Ignored("warning-apply-duration", "slow requests are not logged"),
        Ignored("downgrade-check-time", "there is nothing to downgrade to"),

        RefusedSwitch("force-new-cluster", "it would throw members away; there is no such recovery here yet"),
        Refused("force-new-cluster-bump-amount", "there is no such recovery here yet"),
        Refused("config-file", "settings come from flags and the environment alone"),
        Refused("wal-dir", "the log lives in --data-dir, and a folder that was asked for must not stay empty unnoticed"),
        Refused("proxy", "there is no proxy mode, as there is none in etcd 3.6"),
        Refused("discovery", NoDiscovery),
        Refused("discovery-srv", NoDiscovery),
        Refused("discovery-srv-name", NoDiscovery),
        Refused("discovery-proxy", NoDiscovery),
        Refused("discovery-fallback", NoDiscovery),
        Refused("discovery-token", NoDiscovery),
        Refused("discovery-endpoints", NoDiscovery),
        Refused("auth-token", NoAuth + "; only \"simple\" and empty are let through, because they are etcd's default"),
        Refused("cert-file", NoTls),
        Refused("key-file", NoTls),
        Refused("trusted-ca-file", NoTls),
        RefusedSwitch("client-cert-auth", NoTls),
        Refused("client-crl-file", NoTls),
        Refused("client-cert-allowed-hostname", NoTls),
        RefusedSwitch("auto-tls", NoTls),
        Refused("peer-cert-file", NoTls),
        Refused("peer-key-file", NoTls),
        Refused("peer-trusted-ca-file", NoTls),
        RefusedSwitch("peer-client-cert-auth", NoTls),
        Refused("peer-crl-file", NoTls),
        Refused("peer-cert-allowed-cn", NoTls),
        Refused("peer-cert-allowed-hostname", NoTls),
        RefusedSwitch("peer-auto-tls", NoTls),
        Refused("self-signed-cert-validity", NoTls),
        Refused("cipher-suites", NoTls),
        Refused("tls-min-version", NoTls),
        Refused("tls-max-version", NoTls),
    ];

    /// <summary>By name.</summary>
    public static FrozenDictionary<string, EtcdFlag> ByName { get; } = All.ToFrozenDictionary(f => f.Name, StringComparer.Ordinal);

    /// <summary>Finds a flag; any <c>experimental-…</c> one is known, and ignored, because etcd itself drops them from one release to the next.</summary>
    public static EtcdFlag? Find(string name) =>
        ByName.GetValueOrDefault(name) ?? (name.StartsWith("experimental-", StringComparison.Ordinal)
            ? new EtcdFlag(name, ExperimentalSwitches.Contains(name), FlagFate.Ignored, "experiments of etcd's are not repeated here")
            : null);

    private static FrozenSet<string> ExperimentalSwitches { get; } = FrozenSet.ToFrozenSet(
        [
            "experimental-initial-corrupt-check", "experimental-enable-lease-checkpoint", "experimental-enable-lease-checkpoint-persist",
            "experimental-compact-hash-check-enabled", "experimental-memory-mlock", "experimental-txn-mode-write-with-shared-buffer",
            "experimental-stop-grpc-service-on-defrag", "experimental-enable-distributed-tracing", "experimental-enable-v2v3",
            "experimental-peer-skip-client-san-verification", "experimental-set-member-localaddr",
        ],
        StringComparer.Ordinal);

    private static EtcdFlag Used(string name, string note, string @default) => new(name, IsSwitch: false, FlagFate.Used, note, @default);

    private static EtcdFlag Ignored(string name, string why) => new(name, IsSwitch: false, FlagFate.Ignored, why);

    private static EtcdFlag IgnoredSwitch(string name, string why) => new(name, IsSwitch: true, FlagFate.Ignored, why);

    private static EtcdFlag Refused(string name, string why) => new(name, IsSwitch: false, FlagFate.Refused, why);

    private static EtcdFlag RefusedSwitch(string name, string why) => new(name, IsSwitch: true, FlagFate.Refused, why);
}
