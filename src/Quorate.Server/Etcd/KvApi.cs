using System.Buffers;
using Quorate.Kv;
using Quorate.Server.Replication;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>What etcd's KV service does, whichever way a request came: gRPC or JSON.</summary>
/// <remarks>
/// A write is checked, encoded and proposed. A read waits for its barrier, then reads what this member has applied; a serializable one
/// does not wait. Errors: <see cref="Grpc.Core.RpcException"/> with etcd's code and text.
/// </remarks>
internal sealed class KvApi(RequestExecutor executor, IStoreReader store, ResponseHeaders headers, KvLimits limits)
{
    /// <summary>Reads keys.</summary>
    public async ValueTask<Wire.RangeResponse> RangeAsync(Wire.RangeRequest wire)
    {
        var request = RequestMapper.From(wire);
        ThrowIfError(RequestValidator.Validate(request, limits));
        if (!wire.Serializable)
            await executor.ReadBarrierAsync().ConfigureAwait(false);
        var result = RequireSuccess(store.Read(request));
        return ResponseMapper.ToWire((RangeResponse)result.Response!, headers.At(result.Revision));
    }

    /// <summary>Writes a key.</summary>
    public async ValueTask<Wire.PutResponse> PutAsync(Wire.PutRequest wire)
    {
        var result = await ProposeAsync(RequestMapper.From(wire), wire.Key.Length + wire.Value.Length).ConfigureAwait(false);
        return ResponseMapper.ToWire((PutResponse)result.Response!, headers.At(result.Response!.Revision));
    }

    /// <summary>Deletes keys.</summary>
    public async ValueTask<Wire.DeleteRangeResponse> DeleteRangeAsync(Wire.DeleteRangeRequest wire)
    {
        var result = await ProposeAsync(RequestMapper.From(wire), wire.Key.Length + wire.RangeEnd.Length).ConfigureAwait(false);
        return ResponseMapper.ToWire((DeleteRangeResponse)result.Response!, headers.At(result.Response!.Revision));
    }

    /// <summary>Does several operations as one. One that cannot write takes no place in the log.</summary>
    public async ValueTask<Wire.TxnResponse> TxnAsync(Wire.TxnRequest wire)
    {
        var request = RequestMapper.From(wire);
        KvResult result;
        if (request.MayWrite)
        {
            result = await ProposeAsync(request, wire.CalculateSize()).ConfigureAwait(false);
        }
        else
        {
            ThrowIfError(RequestValidator.Validate(request, limits));
            await executor.ReadBarrierAsync().ConfigureAwait(false);
            result = RequireSuccess(store.Read(request));
        }

        return ResponseMapper.ToWire((TxnResponse)result.Response!, headers.At(result.Response!.Revision));
    }

    /// <summary>Forgets history.</summary>
    public async ValueTask<Wire.CompactionResponse> CompactAsync(Wire.CompactionRequest wire)
    {
        var result = await ProposeAsync(new CompactRequest(wire.Revision), 0).ConfigureAwait(false);
        return new Wire.CompactionResponse { Header = headers.At(result.Response!.Revision) };
    }

    private async ValueTask<KvResult> ProposeAsync(KvRequest request, int payloadBytes)
    {
        ThrowIfError(RequestValidator.Validate(request, limits));

        // The log keeps these bytes, so they are the command's own and never pooled. 48 is more than the lengths and flags of a put take.
        var command = new ArrayBufferWriter<byte>(payloadBytes + 48);
        KvCommand.Encode(request, command);
        ThrowIfError(RequestValidator.ValidateSize(command.WrittenCount, limits));
        return RequireSuccess(await executor.ProposeAsync(command.WrittenMemory).ConfigureAwait(false));
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
