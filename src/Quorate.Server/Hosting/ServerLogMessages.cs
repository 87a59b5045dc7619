using Quorate.Raft;
using Quorate.Server.Etcd;

namespace Quorate.Server.Hosting;

/// <summary>All log messages of the server. The event ids, 2000 to 2999, are stable; docs/operating/logs.md lists them.</summary>
/// <remarks>
/// A new message gets the next free id. The id of a removed message is not used again. Ids below 2000 belong to the Raft node.
/// </remarks>
internal static partial class ServerLogMessages
{
    [LoggerMessage(
        2001, LogLevel.Information,
        "quorate {Version}: member {Name} ({Member}) of cluster {Cluster}, {Members} member(s), data directory {Directory}")]
    public static partial void Starting(
        ILogger log, string version, string name, string member, string cluster, int members, string directory);

    [LoggerMessage(2002, LogLevel.Information, "ready to serve client requests at {Urls}; enabled capabilities for version {Version}")]
    public static partial void Ready(ILogger log, string urls, string version);

    [LoggerMessage(2003, LogLevel.Information, "published {Name} at {Urls} to the cluster")]
    public static partial void Published(ILogger log, string name, string urls);

    [LoggerMessage(2006, LogLevel.Information, "stopping: {Reason}")]
    public static partial void Stopping(ILogger log, string reason);

    [LoggerMessage(2007, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger log);

    [LoggerMessage(2008, LogLevel.Warning, "{Warning}")]
    public static partial void SettingIgnored(ILogger log, string warning);

    [LoggerMessage(2009, LogLevel.Critical, "this member has failed and no longer acknowledges requests: {Reason}")]
    public static partial void Failed(ILogger log, string reason, Exception exception);

    [LoggerMessage(2013, LogLevel.Error, "{Call} failed with an internal error: {Reason}")]
    public static partial void CallFailed(ILogger log, string call, string reason, Exception exception);

    [LoggerMessage(
        2014, LogLevel.Warning, "the data directory {Directory} contains {Entries}, which this server did not create; it ignores them")]
    public static partial void ForeignEntries(ILogger log, string directory, string entries);

    [LoggerMessage(2015, LogLevel.Information, "SIGHUP ignored: the server has no configuration to load again")]
    public static partial void HangUpIgnored(ILogger log);

    [LoggerMessage(2016, LogLevel.Information, "at most {Connections} client connections, because of the limit of {Files} open files")]
    public static partial void ConnectionLimit(ILogger log, int connections, int files);

    [LoggerMessage(
        2017, LogLevel.Warning,
        "{Count} client connection(s) refused: the limit is {Connections}, or file descriptors are short; raise the limit of open files")]
    public static partial void ConnectionsRefused(ILogger log, long count, int connections);

    [LoggerMessage(2018, LogLevel.Warning, "cannot accept a client connection: {Reason}")]
    public static partial void AcceptFailed(ILogger log, string reason);

    [LoggerMessage(
        2020, LogLevel.Error,
        "entry {Index} of the log, {Bytes} bytes, is no command and has no effect on any member; {Count} such entries since the start")]
    public static partial void CommandUndecodable(ILogger log, ulong index, int bytes, long count);

    [LoggerMessage(
        2021, LogLevel.Warning,
        "the peer port {EndPoint} is open to the network without a secret: a program that sees its traffic can pose as a member. "
        + "Set --peer-secret-file on all members, or keep others off that network")]
    public static partial void PeerPortOpen(ILogger log, string endPoint);

    [LoggerMessage(
        2025, LogLevel.Information, "waiting to join: an existing member must list this one, with peer URLs {Urls}: {Reason}")]
    public static partial void WaitingToJoin(ILogger log, string urls, string reason);

    [LoggerMessage(2026, LogLevel.Error, "{Reason}")]
    public static partial void MemberRemoved(ILogger log, string reason);

    /// <summary>Logs a call whose client stopped waiting. Formats the peer only if debug messages are logged.</summary>
    public static void CallEnded(ILogger log, RequestContext context, string reason)
    {
        if (log.IsEnabled(LogLevel.Debug))
            CallEnded(log, context.Peer, reason);
    }

    [LoggerMessage(2012, LogLevel.Debug, "client {Client}: its call ended before it had a result: {Reason}", SkipEnabledCheck = true)]
    private static partial void CallEnded(ILogger log, string client, string reason);

    [LoggerMessage(
        2022, LogLevel.Information, "sending a snapshot to {Client}: up to entry {Index}, {Bytes} bytes")]
    public static partial void SnapshotStarted(ILogger log, string client, ulong index, long bytes);

    [LoggerMessage(2023, LogLevel.Information, "sent a snapshot to {Client}: up to entry {Index}, {Bytes} bytes")]
    public static partial void SnapshotSent(ILogger log, string client, ulong index, long bytes);

    [LoggerMessage(2024, LogLevel.Warning, "did not send a whole snapshot to {Client}: {Reason}")]
    public static partial void SnapshotNotSent(ILogger log, string client, string reason);

    [LoggerMessage(
        2027, LogLevel.Warning,
        "no other member has taken over leadership before the stop: {Reason}; the members elect a leader when this one has stopped")]
    public static partial void LeadershipKept(ILogger log, TransferFailure reason);
}
