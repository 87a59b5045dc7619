using System.Globalization;
using Quorate.Kv;
using Quorate.Node.Versions;

namespace Quorate.Server.Settings;

/// <summary>Converts flag values to <see cref="ServerSettings"/> and validates each value and the rules between them.</summary>
internal static class SettingsParser
{
    private const string DefaultClientUrl = "http://localhost:2379";
    private const string DefaultPeerUrl = "http://localhost:2380";
    private const int RequestBytesLimit = 8 << 20;

    /// <summary>Parses and validates flag values.</summary>
    /// <exception cref="StartupException">A value is invalid for its flag, or two values contradict each other.</exception>
    public static ServerSettings Parse(ParsedFlags flags)
    {
        var name = flags.Get("name", "default");
        if (name.Length == 0 || name.AsSpan().ContainsAny(",=/"))
            throw StartupException.Usage(
                $"--name is \"{name}\".", "a name must not be empty or contain a comma, an equals sign or a slash", "choose another name");

        var token = flags.Get("initial-cluster-token", "etcd-cluster");
        var listenClients = HttpUrl.ParseList("--listen-client-urls", flags.Get("listen-client-urls", DefaultClientUrl));
        var listenPeers = HttpUrl.ParseList("--listen-peer-urls", flags.Get("listen-peer-urls", DefaultPeerUrl));
        var advertisePeers = HttpUrl.ParseList("--initial-advertise-peer-urls", flags.Get("initial-advertise-peer-urls", DefaultPeerUrl));
        var cluster = flags.Get("initial-cluster", string.Join(',', advertisePeers.Select(u => $"{name}={u.Text}")));
        var members = InitialMember.ParseCluster(cluster, token);
        var membersWereGiven = flags.TryGet("initial-cluster", out _) || flags.TryGet("initial-advertise-peer-urls", out _);
        ValidateSelf(members, name, flags, advertisePeers);

        return new ServerSettings
        {
            Name = name,
            DataDirectory = Path.GetFullPath(flags.Get("data-dir", name + ".etcd")),
            ClientListenEndPoints = [.. listenClients.Select(u => u.ToListenAddress("--listen-client-urls"))],
            AdvertiseClientUrls = ParseAdvertisedClientUrls(flags, listenClients),
            PeerListenEndPoints = [.. listenPeers.Select(u => u.ToListenAddress("--listen-peer-urls"))],
            Members = members,
            HasExplicitMembers = membersWereGiven,
            ClusterToken = token,
            IsNewCluster = ParseClusterState(flags),
            HeartbeatInterval = Milliseconds(flags, "heartbeat-interval", 100, 10, 10_000),
            ElectionTimeout = ParseElectionTimeout(flags),
            SnapshotLogEntries = Number(flags, "snapshot-count", 100_000, 1, int.MaxValue),
            ClusterVersionMax = ParseClusterVersionMax(flags),
            LearnersMax = Number(flags, "max-learners", 1, 1, Raft.Configuration.MembersMax),
            TraceFile = flags.TryGet("trace-file", out var traceFile) && traceFile.Length > 0 ? Path.GetFullPath(traceFile) : null,
            PeerSecretFile = flags.TryGet("peer-secret-file", out var secret) && secret.Length > 0 ? Path.GetFullPath(secret) : null,
            WebAccess = WebAccess.Parse(flags.Get("cors", ""), flags.Get("host-whitelist", "")),
            Limits = new RequestLimits
            {
                RequestBytesMax = ParseRequestBytesMax(flags),
                TxnOperationsMax = Number(flags, "max-txn-ops", 128, 1, KvCommandCodec.MaxTxnOps),
                StreamsPerConnectionMax = flags.TryGet("max-concurrent-streams", out var streams) && streams == "4294967295"
                    ? int.MaxValue
                    : Number(flags, "max-concurrent-streams", new RequestLimits().StreamsPerConnectionMax, 1, int.MaxValue),
                KeepAliveInterval = ParseKeepAliveInterval(flags),
                KeepAliveTimeout = Duration(flags, "grpc-keepalive-timeout", TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(1)),
            },
            WatchProgressInterval = Duration(
                flags, "watch-progress-notify-interval", TimeSpan.FromMinutes(10), TimeSpan.FromMilliseconds(100)),
        };
    }

    /// <summary>Parses the least severe level to log.</summary>
    /// <exception cref="StartupException">The level is unknown.</exception>
    public static LogLevel ParseLogLevel(ParsedFlags flags) => flags.Get("log-level", "info") switch
    {
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "dpanic" or "panic" or "fatal" => LogLevel.Critical,
        var other => throw StartupException.Usage(
            $"--log-level is \"{other}\".", "it must be debug, info, warn, error, panic or fatal", "omit the flag for the default, info"),
    };

    /// <summary>Requires that the initial cluster contains this member with the peer URLs that it advertises.</summary>
    private static void ValidateSelf(
        IReadOnlyList<InitialMember> members, string name, ParsedFlags flags, IReadOnlyList<HttpUrl> advertised)
    {
        var self = members.FirstOrDefault(m => m.Name == name);
        if (self is null)
        {
            throw StartupException.Usage(
                $"--initial-cluster does not contain this member, \"{name}\".",
                $"it contains {string.Join(", ", members.Select(m => m.Name))}",
                "set --name to one of those, or add NAME=PEER-URL for this member to --initial-cluster on all members");
        }

        if (!flags.TryGet("initial-advertise-peer-urls", out _))
            return;
        var listed = self.PeerUrls.Select(u => u.Text).Order(StringComparer.Ordinal);
        if (!listed.SequenceEqual(advertised.Select(u => u.Text).Order(StringComparer.Ordinal)))
        {
            throw StartupException.Usage(
                "--initial-cluster and --initial-advertise-peer-urls differ.",
                $"the first lists {name} at {string.Join(", ", self.PeerUrls.Select(u => u.Text))}, "
                + $"the second at {string.Join(", ", advertised.Select(u => u.Text))}",
                "write the same URLs in both flags");
        }
    }

    private static IReadOnlyList<string> ParseAdvertisedClientUrls(ParsedFlags flags, IReadOnlyList<HttpUrl> listen)
    {
        if (flags.TryGet("advertise-client-urls", out var text))
            return [.. HttpUrl.ParseList("--advertise-client-urls", text).Select(u => u.Text)];

        if (listen.FirstOrDefault(u => u.IsAnyAddress) is { } any)
        {
            throw StartupException.Usage(
                "--advertise-client-urls is missing.",
                $"--listen-client-urls has {any.Text}, a wildcard address that clients cannot connect to",
                "set the URLs at which clients reach this member, for example --advertise-client-urls=http://192.0.2.7:2379");
        }

        return listen.Any(u => u.Port == 0) ? [] : [.. listen.Select(u => u.Text)];
    }

    private static bool ParseClusterState(ParsedFlags flags) => flags.Get("initial-cluster-state", "new") switch
    {
        "new" => true,
        "existing" => false,
        var other => throw StartupException.Usage(
            $"--initial-cluster-state is \"{other}\".", "the value must be new or existing",
            "write new to bootstrap a cluster, existing to join one"),
    };

    private static ClusterVersion ParseClusterVersionMax(ParsedFlags flags)
    {
        var text = flags.Get("max-cluster-version", ClusterVersion.Current.ToString());
        return ClusterVersion.TryParse(text, out var version) && version >= ClusterVersion.Oldest && version <= ClusterVersion.Current
            ? version
            : throw StartupException.Usage(
                $"--max-cluster-version is \"{text}\".", $"the value must be from {ClusterVersion.Oldest} to {ClusterVersion.Current}",
                "leave the flag out, except to keep a cluster at an older version during an upgrade");
    }

    private static TimeSpan ParseElectionTimeout(ParsedFlags flags)
    {
        var heartbeat = Milliseconds(flags, "heartbeat-interval", 100, 10, 10_000);
        var election = Milliseconds(flags, "election-timeout", 1000, 50, 50_000);
        if (election < 5 * heartbeat)
        {
            throw StartupException.Usage(
                $"--election-timeout is {election.TotalMilliseconds} ms and --heartbeat-interval {heartbeat.TotalMilliseconds} ms.",
                "the election timeout must be at least five times the heartbeat interval; otherwise one late heartbeat starts an election",
                $"set --election-timeout to {5 * heartbeat.TotalMilliseconds} or more");
        }

        return election;
    }

    private static TimeSpan Milliseconds(ParsedFlags flags, string name, int @default, int min, int max) =>
        TimeSpan.FromMilliseconds(Number(flags, name, @default, min, max));

    private static int Number(ParsedFlags flags, string name, int @default, int min, int max)
    {
        if (!flags.TryGet(name, out var text))
            return @default;
        if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= min && value <= max)
            return value;
        throw StartupException.Usage(
            $"--{name} is \"{text}\".", $"it must be a whole number from {min} to {max}", $"omit the flag for the default, {@default}");
    }

    private static int ParseRequestBytesMax(ParsedFlags flags)
    {
        const int Default = 1_572_864;
        if (ulong.TryParse(flags.Get("max-request-bytes", ""), NumberStyles.None, CultureInfo.InvariantCulture, out var bytes)
            && bytes > RequestBytesLimit)
        {
            throw StartupException.Usage(
                $"--max-request-bytes is {bytes}.",
                "a request is one record of the write-ahead log and one message between members, "
                + $"and neither exceeds {RequestBytesLimit} bytes",
                $"set it to {RequestBytesLimit} or less, and split larger values over several keys");
        }

        return Number(flags, "max-request-bytes", Default, 1, RequestBytesLimit);
    }

    /// <summary>Parses the idle time before a ping. As in etcd, 0 disables pings.</summary>
    private static TimeSpan ParseKeepAliveInterval(ParsedFlags flags) =>
        flags.TryGet("grpc-keepalive-interval", out var text) && GoDuration.TryParse(text, out var value) && value == TimeSpan.Zero
            ? Timeout.InfiniteTimeSpan
            : Duration(flags, "grpc-keepalive-interval", TimeSpan.FromHours(2), TimeSpan.FromSeconds(1));

    /// <summary>Parses a duration in Go's syntax, 2h, 20s or 1m30s, with a lower bound.</summary>
    private static TimeSpan Duration(ParsedFlags flags, string name, TimeSpan @default, TimeSpan min)
    {
        if (!flags.TryGet(name, out var text))
            return @default;
        if (GoDuration.TryParse(text, out var value) && value >= min)
            return value;
        throw StartupException.Usage(
            $"--{name} is \"{text}\".",
            $"it must be a duration of at least {min.TotalMilliseconds} ms, such as 2h, 20s or 1m30s",
            "omit the flag for the default");
    }
}
