using System.Net;

namespace Quorate.Server.Settings;

/// <summary>All that a server is told when it starts, checked and complete.</summary>
internal sealed record ServerSettings
{
    /// <summary>This member's name.</summary>
    public required string Name { get; init; }

    /// <summary>Where everything this member knows is kept.</summary>
    public required string DataDirectory { get; init; }

    /// <summary>Where clients are served.</summary>
    public required IReadOnlyList<IPEndPoint> ClientListenEndPoints { get; init; }

    /// <summary>Where clients are told to find this member; empty for: wherever it turned out to listen.</summary>
    public required IReadOnlyList<string> AdvertiseClientUrls { get; init; }

    /// <summary>Where the other members are heard.</summary>
    public required IReadOnlyList<IPEndPoint> PeerListenEndPoints { get; init; }

    /// <summary>All members of the cluster as it is first made, this one among them.</summary>
    public required IReadOnlyList<InitialMember> Members { get; init; }

    /// <summary>Whether the members were named, or are only what the defaults say: a folder that knows better then prevails.</summary>
    public required bool HasExplicitMembers { get; init; }

    /// <summary>The word that goes into the ids.</summary>
    public required string ClusterToken { get; init; }

    /// <summary>Whether the cluster is to be made, as opposed to one that is there already.</summary>
    public required bool IsNewCluster { get; init; }

    /// <summary>Between two heartbeats of a leader.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(100);

    /// <summary>Without a word from a leader before an election.</summary>
    public TimeSpan ElectionTimeout { get; init; } = TimeSpan.FromMilliseconds(1000);

    /// <summary>What requests may weigh.</summary>
    public RequestLimits Limits { get; init; } = new();

    /// <summary>This member.</summary>
    public InitialMember Self => Members.First(m => m.Name == Name);

    /// <summary>The cluster's id.</summary>
    public ulong ClusterId => ClusterIds.ComputeClusterId(Members.Select(m => m.Id));
}

/// <summary>What requests may weigh, and how connections are kept.</summary>
internal sealed record RequestLimits
{
    /// <summary>The largest request, bytes.</summary>
    public int RequestBytesMax { get; init; } = 1_572_864;

    /// <summary>The largest message the transport takes: room for what surrounds a request. etcd adds the same 512 KiB.</summary>
    public int MessageBytesMax => RequestBytesMax + (512 * 1024);

    /// <summary>The most operations in one list of a transaction.</summary>
    public int TxnOperationsMax { get; init; } = 128;

    /// <summary>The most calls at a time on one connection.</summary>
    public int StreamsPerConnectionMax { get; init; } = int.MaxValue;

    /// <summary>How long a connection may be silent before the server pings.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromHours(2);

    /// <summary>How long the server waits for the answer to its ping.</summary>
    public TimeSpan KeepAliveTimeout { get; init; } = TimeSpan.FromSeconds(20);
}
