using Quorate.Kv;
using Quorate.Server.Replication;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Implements etcd's KV service for gRPC and the JSON gateway.</summary>
/// <remarks>
/// A write is validated, encoded and proposed. A linearizable read waits for a read barrier and then reads the applied state of this
/// member; a serializable read does not wait. A call that is cancelled costs nothing more from the next step on: the wait for the barrier,
/// the read, and the mapping of its result end. Errors: <see cref="Grpc.Core.RpcException"/> with etcd's code and text.
/// </remarks>
internal sealed class KvApi(RequestExecutor executor, IStoreReader store, ResponseHeaderFactory headers, KvLimits limits)
{
    /// <summary>Reads a range of keys.</summary>
    public async ValueTask<Wire.RangeResponse> RangeAsync(Wire.RangeRequest wire, RequestContext context)
    {
        var request = RequestMapper.From(wire);
        ThrowIfError(RequestValidator.Validate(request, limits));
        if (wire.Serializable)
            executor.ThrowIfQuarantined();
        else
            await executor.ReadBarrierAsync(context).ConfigureAwait(false);
        var result = Read(request, context);
        return ResponseMapper.ToWire((RangeResponse)result.Response!, headers.At(result.Revision), context);
    }

    /// <summary>Puts a key.</summary>
    public async ValueTask<Wire.PutResponse> PutAsync(Wire.PutRequest wire, RequestContext context)
    {
        var result = await ProposeAsync(RequestMapper.From(wire), wire.Key.Length + wire.Value.Length, context).ConfigureAwait(false);
        return ResponseMapper.ToWire((PutResponse)result.Response!, headers.At(result.Response!.Revision));
    }

    /// <summary>Deletes a range of keys.</summary>
    public async ValueTask<Wire.DeleteRangeResponse> DeleteRangeAsync(Wire.DeleteRangeRequest wire, RequestContext context)
    {
        var result = await ProposeAsync(RequestMapper.From(wire), wire.Key.Length + wire.RangeEnd.Length, context).ConfigureAwait(false);
        return ResponseMapper.ToWire((DeleteRangeResponse)result.Response!, headers.At(result.Response!.Revision), context);
    }

    /// <summary>Executes a transaction. A transaction that cannot write is executed as a read, without a log entry.</summary>
    public async ValueTask<Wire.TxnResponse> TxnAsync(Wire.TxnRequest wire, RequestContext context)
    {
        var request = RequestMapper.From(wire);
        KvResult result;
        if (request.MayWrite)
        {
            result = await ProposeAsync(request, wire.CalculateSize(), context).ConfigureAwait(false);
        }
        else
        {
            ThrowIfError(RequestValidator.Validate(request, limits));
            await executor.ReadBarrierAsync(context).ConfigureAwait(false);
            result = Read(request, context);
        }

        return ResponseMapper.ToWire((TxnResponse)result.Response!, headers.At(result.Response!.Revision), context);
    }

    /// <summary>Compacts the history up to a revision.</summary>
    public async ValueTask<Wire.CompactionResponse> CompactAsync(Wire.CompactionRequest wire, RequestContext context)
    {
        var result = await ProposeAsync(new CompactRequest(wire.Revision), 0, context).ConfigureAwait(false);
        return new Wire.CompactionResponse { Header = headers.At(result.Response!.Revision) };
    }

    private KvResult Read(KvOperation operation, RequestContext context)
    {
        context.ThrowIfCancelled();
        try
        {
            return RequireSuccess(store.Read(operation, context));
        }
        catch (OperationCanceledException)
        {
            throw context.ToError();
        }
    }

    private async ValueTask<KvResult> ProposeAsync(KvRequest request, int payloadBytes, RequestContext context)
    {
        ThrowIfError(RequestValidator.Validate(request, limits));

        // 48 bytes are more than the lengths and flags of a put need.
        var command = CommandEncoder.Encode(request, payloadBytes + 48);
        ThrowIfError(RequestValidator.ValidateSize(command.Length, limits));
        return RequireSuccess(await executor.ProposeAsync(context, command, request.TakesSpace).ConfigureAwait(false));
    }

    private static void ThrowIfError(KvError? error)
    {
        if (error is not null)
            throw EtcdErrors.From(error);
    }

    private static KvResult RequireSuccess(KvResult result)
    {
        ThrowIfError(result.Error);
        return result;
    }
}
