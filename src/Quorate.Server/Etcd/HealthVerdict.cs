using Grpc.Core;
using Quorate.Node.Health;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>Whether this member can serve requests: the verdict of every health endpoint, over HTTP and gRPC.</summary>
/// <param name="executor">Makes the linearizable reads.</param>
/// <param name="cluster">Judges the health of the cluster as this member sees it.</param>
internal sealed class HealthVerdict(RequestExecutor executor, Func<ClusterHealth> cluster)
{
    /// <summary>The health of the cluster as this member sees it.</summary>
    public ClusterHealth Cluster => cluster();

    /// <summary>Whether a leader is known.</summary>
    public bool HasLeader => executor.Status.HasLeader;

    /// <summary>Whether this member is quarantined: its state is not that of a majority of the members.</summary>
    public bool IsQuarantined => executor.IsQuarantined;

    /// <summary>Whether this member rejects writes that take more space.</summary>
    public bool IsShortOfSpace => executor.Status.IsOnlySpaceFreed;

    /// <summary>Returns why this member is not ready, or null: a linearizable read fails, or the commit index does not move.</summary>
    public async Task<string?> FindFailureAsync(RequestContext context) =>
        await FindReadFailureAsync(context).ConfigureAwait(false) ?? FindCommitFailure();

    /// <summary>Makes a linearizable read; returns the text of its error, or null. Without a leader it fails at once.</summary>
    public async Task<string?> FindReadFailureAsync(RequestContext context)
    {
        if (!HasLeader)
            return EtcdErrors.NoLeader().Status.Detail;
        try
        {
            await executor.ReadBarrierAsync(context).ConfigureAwait(false);
            return null;
        }
        catch (RpcException error)
        {
            return error.Status.Detail;
        }
    }

    /// <summary>Returns a text if entries wait to be committed and none is, although reads may succeed; or null.</summary>
    public string? FindCommitFailure() =>
        Cluster.Problems.FirstOrDefault(static problem => problem.Kind == HealthProblemKind.CommitStalled)?.Text;
}
