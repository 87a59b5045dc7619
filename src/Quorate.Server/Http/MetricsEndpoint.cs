using System.Globalization;
using System.Text;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Server.Etcd;
using Quorate.Server.Hosting;
using Quorate.Server.Replication;

namespace Quorate.Server.Http;

/// <summary>The endpoint <c>/metrics</c>: the state of this member in Prometheus' text format.</summary>
/// <remarks>
/// Names that begin with <c>etcd_</c> are etcd's, with etcd's meaning and type, so that etcd's dashboards and alerts work. The list with
/// the meaning of each name is in docs/operating/metrics.md.
/// </remarks>
internal sealed class MetricsEndpoint(
    ulong self, RequestExecutor executor, RaftNode<KvResult> node, UndecodableCommands undecodable, ClientConnectionLimiter connections,
    SnapshotApi snapshots)
{
    /// <summary>Handles one request.</summary>
    public Task HandleAsync(HttpContext context)
    {
        context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return context.Response.WriteAsync(Format(), context.RequestAborted);
    }

    private string Format()
    {
        var status = node.Status;
        var text = new StringBuilder();
        Add(text, "etcd_server_has_leader", "Whether or not a leader exists. 1 is existence, 0 is not.", status.HasLeader ? 1 : 0);
        Add(
            text, "etcd_server_is_leader", "Whether or not this member is a leader. 1 if is, 0 otherwise.",
            status.Leader.Value == self ? 1 : 0);
        Add(
            text, "etcd_server_proposals_committed_total", "The highest index of the log known to be committed.",
            (long)status.CommitIndex.Value);
        Add(
            text, "etcd_server_proposals_applied_total", "The highest index of the log applied by this member.",
            (long)status.AppliedIndex.Value);
        Add(
            text, "etcd_server_proposals_pending", "Writes requested from this member that have no result yet.", executor.PendingProposals);
        Add(
            text, "quorate_server_reads_pending", "Linearizable reads requested from this member that have no result yet.",
            executor.PendingReads);
        Add(text, "quorate_raft_proposals_pending", "Proposals of this member's Raft node without an outcome.", node.PendingProposalCount);
        Add(text, "quorate_raft_reads_pending", "Read index requests of this member's Raft node without a result.", node.PendingReadCount);
        var divergence = status.Quarantine is not null ? 3
            : status.StatesDifferWithoutMajority ? 2
            : node.Members.Any(static member => member.Diverges) ? 1
            : 0;
        Add(
            text, "quorate_raft_divergence",
            "0: no states differ; 1: another member differs from a majority; 2: no majority agrees; 3: this member is quarantined.",
            divergence);
        var health = node.Health;
        Add(
            text, "quorate_raft_health", "The health of the cluster as this member sees it. 0: healthy; 1: degraded; 2: critical.",
            (long)health.Level);
        Add(text, "quorate_raft_has_quorum", "1 if the cluster has a quorum as far as this member knows.", health.HasQuorum ? 1 : 0);
        if (health.FailureTolerance is { } tolerance)
            Add(text, "quorate_raft_failure_tolerance", "How many more voters may fail before there is no quorum.", tolerance);
        Add(
            text, "quorate_raft_storage_health",
            "The disk of this member. 0: healthy; 1: space is short; 2: no space is left; 3: a write does not complete.",
            (long)status.StorageHealth);
        Add(text, "quorate_server_client_connections", "Client connections of this member.", connections.Count);
        Add(text, "quorate_server_client_connections_limit", "The maximum of client connections.", connections.ConnectionsMax);
        Add(
            text, "quorate_server_undecodable_commands_total", "Entries of the log that are no command, applied without effect.",
            undecodable.Count);
        Add(text, "quorate_server_snapshot_downloads", "Snapshots that clients are downloading from this member.", snapshots.Running);
        Add(
            text, "quorate_server_snapshot_downloads_completed_total", "Snapshots that clients have downloaded from this member.",
            snapshots.Completed);
        Add(
            text, "quorate_server_snapshot_downloads_failed_total",
            "Downloads of a snapshot that were rejected, or ended before they were complete.", snapshots.Failed);
        Add(text, "quorate_server_snapshot_sent_bytes_total", "Bytes of snapshots sent to clients.", snapshots.SentBytes);
        return text.ToString();
    }

    private static void Add(StringBuilder text, string name, string help, long value) =>
        text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
}
