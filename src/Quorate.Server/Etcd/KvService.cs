using Grpc.Core;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Exposes <see cref="KvApi"/> as etcd's gRPC KV service.</summary>
/// <remarks>
/// A large response is written here, in parts. The framework then receives <see cref="SentResponse"/> in its place, whose serializer
/// writes nothing, and adds the status.
/// </remarks>
internal sealed class KvService(KvApi api, LargeResponseLimiter largeResponses) : KV.KVBase
{
    /// <inheritdoc/>
    public override async Task<RangeResponse> Range(RangeRequest request, ServerCallContext context)
    {
        var call = RequestContext.From(context);
        var response = await api.RangeAsync(request, call).ConfigureAwait(false);
        if (!LargeResponses.IsLarge(response))
            return response;
        var writer = await StartAsync(context, call).ConfigureAwait(false);
        await writer.WriteAsync(response).ConfigureAwait(false);
        return SentResponse.Of<RangeResponse>();
    }

    /// <inheritdoc/>
    public override Task<PutResponse> Put(PutRequest request, ServerCallContext context) =>
        api.PutAsync(request, RequestContext.From(context)).AsTask();

    /// <inheritdoc/>
    public override async Task<DeleteRangeResponse> DeleteRange(DeleteRangeRequest request, ServerCallContext context)
    {
        var call = RequestContext.From(context);
        var response = await api.DeleteRangeAsync(request, call).ConfigureAwait(false);
        if (!LargeResponses.IsLarge(response))
            return response;
        var writer = await StartAsync(context, call).ConfigureAwait(false);
        await writer.WriteAsync(response).ConfigureAwait(false);
        return SentResponse.Of<DeleteRangeResponse>();
    }

    /// <inheritdoc/>
    public override async Task<TxnResponse> Txn(TxnRequest request, ServerCallContext context)
    {
        var call = RequestContext.From(context);
        var response = await api.TxnAsync(request, call).ConfigureAwait(false);
        if (!LargeResponses.IsLarge(response))
            return response;
        var writer = await StartAsync(context, call).ConfigureAwait(false);
        await writer.WriteAsync(response).ConfigureAwait(false);
        return SentResponse.Of<TxnResponse>();
    }

    /// <inheritdoc/>
    public override Task<CompactionResponse> Compact(CompactionRequest request, ServerCallContext context) =>
        api.CompactAsync(request, RequestContext.From(context)).AsTask();

    // The headers must be sent before the first byte of the body is requested from the writer.
    private async ValueTask<LargeResponseWriter> StartAsync(ServerCallContext context, RequestContext call)
    {
        call.ThrowIfCancelled();
        var response = context.GetHttpContext().Response;
        await response.StartAsync(CancellationToken.None).ConfigureAwait(false);
        return new LargeResponseWriter(response.BodyWriter, largeResponses, call);
    }
}
