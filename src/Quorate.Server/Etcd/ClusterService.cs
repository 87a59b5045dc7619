using Grpc.Core;
using Quorate.Server.Protos;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>Implements etcd's gRPC Cluster service. It lists the members; membership changes return Unimplemented.</summary>
internal sealed class ClusterService(RequestExecutor executor, MemberRegistry members, ResponseHeaderFactory headers) : Cluster.ClusterBase
{
    /// <inheritdoc/>
    public override Task<MemberListResponse> MemberList(MemberListRequest request, ServerCallContext context) =>
        MemberListAsync(request, RequestContext.From(context));

    /// <summary>Lists the members; the list is linearizable if the request requires it.</summary>
    public async Task<MemberListResponse> MemberListAsync(MemberListRequest request, RequestContext context)
    {
        if (request.Linearizable)
            await executor.ReadBarrierAsync(context).ConfigureAwait(false);
        return new MemberListResponse { Header = headers.WithoutRevision(), Members = { members.List() } };
    }
}
