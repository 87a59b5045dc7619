namespace Quorate.Server.Hosting;

/// <summary>The server's log messages. Event ids are stable.</summary>
internal static partial class ServerLogMessages
{
    [LoggerMessage(
        1, LogLevel.Information,
        "quorate {Version}: member {Name} ({Member}) of cluster {Cluster}, {Members} member(s), data directory {Directory}")]
    public static partial void Starting(
        ILogger log, string version, string name, string member, string cluster, int members, string directory);

    [LoggerMessage(2, LogLevel.Information, "ready to serve client requests at {Urls}; enabled capabilities for version {Version}")]
    public static partial void Ready(ILogger log, string urls, string version);

    [LoggerMessage(3, LogLevel.Information, "published {Name} at {Urls} to the cluster")]
    public static partial void Published(ILogger log, string name, string urls);

    [LoggerMessage(4, LogLevel.Information, "term {Term}: {Leader} is the leader")]
    public static partial void LeaderChanged(ILogger log, ulong term, string leader);

    [LoggerMessage(5, LogLevel.Warning, "term {Term}: no leader")]
    public static partial void NoLeader(ILogger log, ulong term);

    [LoggerMessage(6, LogLevel.Information, "stopping: {Reason}")]
    public static partial void Stopping(ILogger log, string reason);

    [LoggerMessage(7, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger log);

    [LoggerMessage(8, LogLevel.Warning, "{Warning}")]
    public static partial void SettingIgnored(ILogger log, string warning);

    [LoggerMessage(9, LogLevel.Critical, "this member has failed and no longer acknowledges requests: {Reason}")]
    public static partial void Failed(ILogger log, string reason, Exception exception);

    [LoggerMessage(10, LogLevel.Information, "peer {Peer}: {What}")]
    public static partial void Peer(ILogger log, string peer, string what);

    [LoggerMessage(11, LogLevel.Warning, "peer {Peer}: {What}")]
    public static partial void PeerWarning(ILogger log, string peer, string what);
}
