using System.Net;
using Quorate.Node.Versions;

namespace Quorate.Server.Settings;

/// <summary>The complete, validated configuration of one server.</summary>
internal sealed record ServerSettings
{
    /// <summary>This member's name.</summary>
    public required string Name { get; init; }

    /// <summary>The path of the data directory.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>The endpoints to listen on for client traffic.</summary>
    public required IReadOnlyList<IPEndPoint> ClientListenEndPoints { get; init; }

    /// <summary>The client URLs to advertise; empty to advertise the endpoints that the server listens on.</summary>
    public required IReadOnlyList<string> AdvertiseClientUrls { get; init; }

    /// <summary>The endpoints to listen on for peer traffic.</summary>
    public required IReadOnlyList<IPEndPoint> PeerListenEndPoints { get; init; }

    /// <summary>All members of the initial cluster configuration, including this one.</summary>
    public required IReadOnlyList<InitialMember> Members { get; init; }

    /// <summary>
    /// Whether flags named the members. If false, the members are defaults, and those stored in the data directory take precedence.
    /// </summary>
    public required bool HasExplicitMembers { get; init; }

    /// <summary>The cluster token, part of the input from which the ids are computed.</summary>
    public required string ClusterToken { get; init; }

    /// <summary>Whether a new data directory bootstraps a new cluster; false if it joins an existing one.</summary>
    public required bool IsNewCluster { get; init; }

    /// <summary>The time between two heartbeats of the leader.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The base election timeout: a member normally starts an election after this to twice this time without a message from a leader.
    /// </summary>
    public TimeSpan ElectionTimeout { get; init; } = TimeSpan.FromMilliseconds(1000);

    /// <summary>A snapshot is taken when this many entries were appended since the last one.</summary>
    public int SnapshotLogEntries { get; init; } = 100_000;

    /// <summary>The idle time after which a watcher that wants progress notifications receives one.</summary>
    public TimeSpan WatchProgressInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>The highest version of the cluster that this member supports.</summary>
    public ClusterVersion ClusterVersionMax { get; init; } = ClusterVersion.Current;

    /// <summary>The maximum number of learners that are added as such.</summary>
    public int LearnersMax { get; init; } = 1;

    /// <summary>The path of the file to which the trace of the Raft node is appended; null for no trace.</summary>
    public string? TraceFile { get; init; }

    /// <summary>The path of the file with the secret that all members share; null for none.</summary>
    public string? PeerSecretFile { get; init; }

    /// <summary>The limits of requests and connections.</summary>
    public RequestLimits Limits { get; init; } = new();

    /// <summary>Which web pages may use the JSON gateway.</summary>
    public WebAccess WebAccess { get; init; } = new();

    /// <summary>The id of the backup that the cluster was restored from; null for a cluster that began empty.</summary>
    /// <remarks>The data directory stores it, not the command line.</remarks>
    public ulong? RestoredFrom { get; init; }

    /// <summary>This member.</summary>
    public InitialMember Self => Members.First(m => m.Name == Name);

    /// <summary>
    /// The id of the cluster that the member has joined; null for a member of the initial cluster. Then <see cref="Members"/> are those of
    /// the time at which it joined.
    /// </summary>
    public ulong? JoinedClusterId { get; init; }

    /// <summary>The cluster's id: that of its creation, whichever members it has now.</summary>
    public ulong ClusterId => JoinedClusterId ?? EtcdIdCalculator.ComputeClusterId(Members.Select(m => m.Id), RestoredFrom);
}

/// <summary>Limits of client requests, and keepalive times of client connections.</summary>
internal sealed record RequestLimits
{
    /// <summary>The maximum size of a request, bytes.</summary>
    public int RequestBytesMax { get; init; } = 1_572_864;

    /// <summary>The maximum size of a gRPC message, bytes: a request and its protobuf overhead. etcd adds the same 512 KiB.</summary>
    public int MessageBytesMax => RequestBytesMax + (512 * 1024);

    /// <summary>The maximum number of operations in one list (compare, success or failure) of a transaction.</summary>
    public int TxnOperationsMax { get; init; } = 128;

    /// <summary>The maximum number of concurrent streams on one connection.</summary>
    /// <remarks>
    /// Default 4096; etcd's is 4294967295. Too small: a client that holds more streams open, for example watches, waits without end with
    /// the next one, because gRPC clients queue what is above the limit. Too large: one connection can occupy the whole server.
    /// </remarks>
    public int StreamsPerConnectionMax { get; init; } = 4096;

    /// <summary>The idle time of a connection after which the server sends a keepalive ping; infinite for no pings.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromHours(2);

    /// <summary>The time the server waits for the response to a keepalive ping before it closes the connection.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);
}
