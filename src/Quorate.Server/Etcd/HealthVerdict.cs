using Grpc.Core;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>Whether this member can serve linearizable requests: the verdict of every health endpoint, over HTTP and gRPC.</summary>
internal sealed class HealthVerdict(RequestExecutor executor)
{
    /// <summary>Whether a leader is known.</summary>
    public bool HasLeader => executor.Status.HasLeader;

    /// <summary>Whether this member is quarantined: its state is not that of a majority of the members.</summary>
    public bool IsQuarantined => executor.IsQuarantined;

    /// <summary>Makes a linearizable read; returns the text of its error, or null. Without a leader it fails at once.</summary>
    public async Task<string?> FindFailureAsync(RequestContext context)
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
}
