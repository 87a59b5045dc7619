using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Exposes <see cref="KvApi"/> as etcd's gRPC KV service.</summary>
internal sealed class KvService(KvApi api) : KV.KVBase
{
    /// <inheritdoc/>
    public override Task<RangeResponse> Range(RangeRequest request, ServerCallContext context) =>
        api.RangeAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<PutResponse> Put(PutRequest request, ServerCallContext context) =>
        api.PutAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<DeleteRangeResponse> DeleteRange(DeleteRangeRequest request, ServerCallContext context) =>
        api.DeleteRangeAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<TxnResponse> Txn(TxnRequest request, ServerCallContext context) =>
        api.TxnAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override Task<CompactionResponse> Compact(CompactionRequest request, ServerCallContext context) =>
        api.CompactAsync(request, RequestContext.From(context)).AsTask();
}
