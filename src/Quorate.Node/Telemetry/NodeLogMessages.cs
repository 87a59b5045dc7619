using Microsoft.Extensions.Logging;
using Quorate.Node.Snapshots;
using Quorate.Node.Versions;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Telemetry;

/// <summary>All log messages of a node. The event ids, 1000 to 1999, are stable; docs/operating/logs.md lists them.</summary>
/// <remarks>A new message gets the next free id. The id of a removed message is not used again.</remarks>
internal static partial class NodeLogMessages
{
    [LoggerMessage(1001, LogLevel.Information, "node {Node} started in term {Term}: log up to {LastIndex}, committed up to {CommitIndex}")]
    public static partial void Started(ILogger log, string node, ulong term, ulong lastIndex, ulong commitIndex);

    [LoggerMessage(1002, LogLevel.Information, "term {Term}: {Leader} is the leader")]
    public static partial void LeaderElected(ILogger log, ulong term, string leader);

    [LoggerMessage(1003, LogLevel.Warning, "term {Term}: the leader {Leader} is lost: {Reason}")]
    public static partial void LeaderLost(ILogger log, ulong term, string leader, string reason);

    [LoggerMessage(1004, LogLevel.Information, "term {Term}: this node stands for election")]
    public static partial void ElectionStarted(ILogger log, ulong term);

    [LoggerMessage(1005, LogLevel.Warning, "peer {Peer} silent for {Seconds:0.0} s")]
    public static partial void PeerSilent(ILogger log, string peer, double seconds);

    [LoggerMessage(1006, LogLevel.Information, "peer {Peer} responds again")]
    public static partial void PeerResponds(ILogger log, string peer);

    [LoggerMessage(1007, LogLevel.Warning, "this process stood still for {Seconds:0.0} s: it was paused, or its machine overloaded")]
    public static partial void ProcessPaused(ILogger log, double seconds);

    [LoggerMessage(1008, LogLevel.Warning, "a flush of the write-ahead log took {Seconds:0.00} s: the disk is slow")]
    public static partial void SlowFlush(ILogger log, double seconds);

    [LoggerMessage(1009, LogLevel.Warning, "the state machine took {Seconds:0.00} s to apply {Entries} entries")]
    public static partial void SlowApply(ILogger log, double seconds, int entries);

    [LoggerMessage(1010, LogLevel.Information, "peer {Peer}: {What}")]
    public static partial void PeerConnection(ILogger log, string peer, string what);

    [LoggerMessage(1011, LogLevel.Warning, "peer {Peer}: {What}")]
    public static partial void PeerWarning(ILogger log, string peer, string what);

    [LoggerMessage(
        1012, LogLevel.Warning,
        "the write-ahead log ended in a torn write, which was removed: the process was killed while writing")]
    public static partial void TornWriteRemoved(ILogger log);

    [LoggerMessage(1013, LogLevel.Critical, "node {Node} has failed and acknowledges nothing more: {Reason}")]
    public static partial void Failed(ILogger log, string node, string reason, Exception exception);

    [LoggerMessage(1014, LogLevel.Warning, "the trace cannot be written and ends here; the node continues: {Reason}")]
    public static partial void TraceFailed(ILogger log, string reason, Exception exception);

    [LoggerMessage(
        1015, LogLevel.Warning,
        "rejected a message of term {Term} from peer {Peer}: this node is in term {Own}, and no member can be that far ahead. "
        + "A program that is no member may write to the peer port: protect it")]
    public static partial void TermRejected(ILogger log, ulong term, string peer, ulong own);

    [LoggerMessage(1016, LogLevel.Error, "the callback {Callback} threw an exception; the node continues: {Reason}")]
    public static partial void CallbackFailed(ILogger log, string callback, string reason, Exception exception);

    [LoggerMessage(
        1017, LogLevel.Warning,
        "node {Node} has stopped, but its disk or its state machine has not completed a call for {Seconds:0.0} s; "
        + "its data directory stays locked until the call returns or the process exits")]
    public static partial void StopTimedOut(ILogger log, string node, double seconds);

    [LoggerMessage(1018, LogLevel.Information, "term {Term}: this node transfers leadership to {Target}: {Reason}")]
    public static partial void TransferStarted(ILogger log, ulong term, string target, string reason);

    [LoggerMessage(
        1019, LogLevel.Warning, "term {Term}: {Target} has not taken over leadership in time; this node leads on")]
    public static partial void TransferExpired(ILogger log, ulong term, string target);

    [LoggerMessage(1020, LogLevel.Warning, "the disk of the data directory: {Health}")]
    public static partial void StorageHealthChanged(ILogger log, string health);

    /// <summary>Describes a health to an operator.</summary>
    public static string Describe(StorageHealth health) => health switch
    {
        StorageHealth.Healthy => "writes complete again",
        StorageHealth.LowSpace => "space is short; writes that take more space are rejected. Free space",
        StorageHealth.Full => "no space is left; this member acknowledges nothing until there is. Free space",
        StorageHealth.Stalled => "a write has not completed for an election timeout. Check the disk",
        _ => throw new InvariantViolationException($"{health} is not described"),
    };

    [LoggerMessage(
        1021, LogLevel.Information,
        "snapshot up to entry {Index} written: {Bytes} bytes in {Seconds:0.00} s; the log before it can be dropped")]
    public static partial void SnapshotWritten(ILogger log, ulong index, long bytes, double seconds);

    [LoggerMessage(
        1022, LogLevel.Error,
        "the snapshot cannot be written; the log keeps growing until one can: {Reason}")]
    public static partial void SnapshotFailed(ILogger log, string reason, Exception exception);

    [LoggerMessage(
        1023, LogLevel.Information,
        "peer {Peer} needs a snapshot: the log no longer has entry {Index}, its next one")]
    public static partial void PeerNeedsSnapshot(ILogger log, string peer, ulong index);

    [LoggerMessage(
        1024, LogLevel.Information,
        "a snapshot of another member up to entry {Index} was received and replaces the log of this member, which was too far behind")]
    public static partial void SnapshotInstalled(ILogger log, ulong index);

    [LoggerMessage(
        1030, LogLevel.Information,
        "the version of the cluster has changed from {Before} to {Now}: all members support it; older builds are refused from here on")]
    public static partial void ClusterVersionChanged(ILogger log, ClusterVersion before, ClusterVersion now);

    /// <summary>Describes a reason to an operator.</summary>
    public static string Describe(LeaderChangeReason reason) => reason switch
    {
        LeaderChangeReason.ConnectionClosed => "it closed its connection, so its process has probably ended",
        LeaderChangeReason.ElectionTimeout => "no message of it arrived for the election timeout",
        LeaderChangeReason.QuorumLost => "it received no replies from a quorum for the election timeout",
        LeaderChangeReason.DiskStalled => "its disk stalled or is full",
        LeaderChangeReason.HigherTerm => "another member has started a later term",
        LeaderChangeReason.DiskSlow => "its disk is much slower than that of another member",
        LeaderChangeReason.Quarantined => "it is quarantined",
        LeaderChangeReason.Transferred => "it transferred leadership on request",
        LeaderChangeReason.Started => "the node has just started",
        _ => throw new InvariantViolationException($"{reason} is not described"),
    };

    [LoggerMessage(
        1025, LogLevel.Warning,
        "the members that are not short of space are no quorum; writes that take more space are rejected. Free space on their disks")]
    public static partial void QuorumShortOfSpace(ILogger log);

    [LoggerMessage(
        1027, LogLevel.Critical,
        "node {Node} is quarantined: {Reason} It votes and acknowledges entries, and serves no request. "
        + "Stop it, and rebuild it from the other members: quorate rebuild --data-dir {Directory}")]
    public static partial void Quarantined(ILogger log, string node, string reason, string directory);

    [LoggerMessage(
        1028, LogLevel.Error,
        "the state of member {Member} differs from that of a majority after entry {Index}: it has hash {Hash}, the majority {Majority}. "
        + "It quarantines itself; rebuild it")]
    public static partial void MemberDiverges(ILogger log, string member, ulong index, string hash, string majority);

    [LoggerMessage(
        1029, LogLevel.Critical,
        "the states of the members differ after entry {Index}, and no majority agrees: nothing shows which member is right. "
        + "Compare their data, and rebuild the members that are wrong")]
    public static partial void StatesDiffer(ILogger log, ulong index);

    [LoggerMessage(1026, LogLevel.Information, "a quorum of the members has space; writes that take more space are accepted again")]
    public static partial void QuorumHasSpace(ILogger log);

    [LoggerMessage(
        1031, LogLevel.Error,
        "corruption in the data directory: {Corruption}. This member gives up its log and receives it from the others; until it has it, "
        + "this member does not vote. The files {Files} are kept as damaged-… until then. Look for the cause: disk, controller, memory")]
    public static partial void RepairStarted(ILogger log, string corruption, string files, Exception exception);

    /// <summary>Describes what was found, without what to do about it.</summary>
    public static string Describe(IOException corruption) => corruption switch
    {
        WalCorruptionException { File: var file, Offset: var offset, What: var what } => $"{file} at byte {offset}: {what}",
        SnapshotCorruptionException { File.Length: > 0, File: var file, Offset: var offset, What: var what } =>
            $"{file} at byte {offset}: {what}",
        _ => corruption.Message.TrimEnd('.'),
    };

    [LoggerMessage(
        1032, LogLevel.Information,
        "repaired: this member holds the log up to entry {Index} of a later leader, and votes again; the damaged files are deleted")]
    public static partial void Repaired(ILogger log, ulong index);

    [LoggerMessage(1033, LogLevel.Warning, "{Description}")]
    public static partial void HardStateRepaired(ILogger log, string description);

    [LoggerMessage(1040, LogLevel.Information, "configuration of entry {Index}: {Configuration}{State}")]
    public static partial void ConfigurationChanged(ILogger log, ulong index, string configuration, string state);

    [LoggerMessage(
        1041, LogLevel.Warning,
        "this leader is no voter of configuration {Index} any more and passes leadership on")]
    public static partial void LeaderRemoved(ILogger log, ulong index);

    [LoggerMessage(
        1042, LogLevel.Warning,
        "the options list the members {Options}, and the cluster has the members {Members}: the members of the options are ignored. "
        + "Change the members by requests to the cluster, and correct the options")]
    public static partial void OptionsDiffer(ILogger log, string options, string members);
}
