using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Writes one large response of a unary gRPC call in parts, each after the client has accepted the one before.</summary>
/// <remarks>
/// The bytes are those of the whole message with its gRPC prefix. Each part is encoded in a turn of <see cref="LargeResponseLimiter"/>.
/// Between two parts the writer waits, without a turn, for the flow control of the call, and ends when the call is cancelled. Source: gRPC
/// over HTTP/2, "Length-Prefixed-Message"; protobuf encoding, "Length-Delimited Records".
/// </remarks>
internal sealed class LargeResponseWriter(PipeWriter output, LargeResponseLimiter limiter, RequestContext context)
{
    /// <summary>The number of bytes after which the writer waits for the client; a part is at most twice as long.</summary>
    private const int PartBytes = 64 * 1024;

    private const int PrefixBytes = 5;

    // A tag and a length, each a varint of at most five bytes.
    private const int FieldHeaderBytesMax = 10;

    private readonly LargeResponseTurn _turn = limiter.TurnOf(context.Cancellation);
    private int _unflushedBytes;

    /// <summary>Writes the response of a range.</summary>
    /// <exception cref="Grpc.Core.RpcException">The call was cancelled, or the response is larger than a gRPC message can be.</exception>
    public Task WriteAsync(RangeResponse response) => WriteAsync(SizeOf(response), () => WriteBodyAsync(response));

    /// <summary>Writes the response of a delete range.</summary>
    /// <inheritdoc cref="WriteAsync(RangeResponse)"/>
    public Task WriteAsync(DeleteRangeResponse response) => WriteAsync(SizeOf(response), () => WriteBodyAsync(response));

    /// <summary>Writes the response of a transaction.</summary>
    /// <inheritdoc cref="WriteAsync(RangeResponse)"/>
    public Task WriteAsync(TxnResponse response) => WriteAsync(SizeOf(response), () => WriteBodyAsync(response));

    private static RangeResponse WithoutKvs(RangeResponse response) =>
        new() { Header = response.Header, More = response.More, Count = response.Count };

    private static DeleteRangeResponse WithoutKvs(DeleteRangeResponse response) =>
        new() { Header = response.Header, Deleted = response.Deleted };

    private static TxnResponse WithoutResponses(TxnResponse response) => new() { Header = response.Header, Succeeded = response.Succeeded };

    private static long SizeOf(RangeResponse response) =>
        WithoutKvs(response).CalculateSize() + SizeOf(RangeResponse.KvsFieldNumber, response.Kvs);

    private static long SizeOf(DeleteRangeResponse response) =>
        WithoutKvs(response).CalculateSize() + SizeOf(DeleteRangeResponse.PrevKvsFieldNumber, response.PrevKvs);

    private static long SizeOf(TxnResponse response) => WithoutResponses(response).CalculateSize()
        + response.Responses.Sum(static operation => SizeOfField(TxnResponse.ResponsesFieldNumber, SizeOf(operation)));

    private static long SizeOf(ResponseOp operation) => operation.ResponseCase switch
    {
        ResponseOp.ResponseOneofCase.ResponseRange => SizeOfField(ResponseOp.ResponseRangeFieldNumber, SizeOf(operation.ResponseRange)),
        ResponseOp.ResponseOneofCase.ResponseDeleteRange =>
            SizeOfField(ResponseOp.ResponseDeleteRangeFieldNumber, SizeOf(operation.ResponseDeleteRange)),
        ResponseOp.ResponseOneofCase.ResponseTxn => SizeOfField(ResponseOp.ResponseTxnFieldNumber, SizeOf(operation.ResponseTxn)),
        _ => operation.CalculateSize(),
    };

    private static long SizeOf(int field, RepeatedField<KeyValue> kvs)
    {
        long bytes = 0;
        foreach (var kv in kvs)
            bytes += SizeOfField(field, kv.CalculateSize());
        return bytes;
    }

    private static long SizeOfField(int field, long bytes) =>
        CodedOutputStream.ComputeTagSize(field) + CodedOutputStream.ComputeLengthSize((int)long.Min(bytes, int.MaxValue)) + bytes;

    private async Task WriteAsync(long messageBytes, Func<ValueTask> writeBody)
    {
        await EnterAsync().ConfigureAwait(false);
        using (_turn)
        {
            WritePrefix(messageBytes);
            await writeBody().ConfigureAwait(false);
        }
    }

    private void WritePrefix(long messageBytes)
    {
        if (messageBytes > int.MaxValue)
            throw EtcdErrors.ResponseTooLarge(messageBytes);
        var prefix = output.GetSpan(PrefixBytes);
        prefix[0] = 0; // Not compressed.
        BinaryPrimitives.WriteInt32BigEndian(prefix[1..], (int)messageBytes);
        output.Advance(PrefixBytes);
    }

    // The order of fields in a message is free, so what is small comes first.
    private async ValueTask WriteBodyAsync(RangeResponse response)
    {
        WriteWhole(WithoutKvs(response));
        await WriteKvsAsync(RangeResponse.KvsFieldNumber, response.Kvs).ConfigureAwait(false);
    }

    private async ValueTask WriteBodyAsync(DeleteRangeResponse response)
    {
        WriteWhole(WithoutKvs(response));
        await WriteKvsAsync(DeleteRangeResponse.PrevKvsFieldNumber, response.PrevKvs).ConfigureAwait(false);
    }

    private async ValueTask WriteBodyAsync(TxnResponse response)
    {
        WriteWhole(WithoutResponses(response));
        foreach (var operation in response.Responses)
        {
            WriteFieldHeader(TxnResponse.ResponsesFieldNumber, SizeOf(operation));
            await WriteBodyAsync(operation).ConfigureAwait(false);
        }
    }

    private async ValueTask WriteBodyAsync(ResponseOp operation)
    {
        switch (operation.ResponseCase)
        {
            case ResponseOp.ResponseOneofCase.ResponseRange:
                WriteFieldHeader(ResponseOp.ResponseRangeFieldNumber, SizeOf(operation.ResponseRange));
                await WriteBodyAsync(operation.ResponseRange).ConfigureAwait(false);
                break;
            case ResponseOp.ResponseOneofCase.ResponseDeleteRange:
                WriteFieldHeader(ResponseOp.ResponseDeleteRangeFieldNumber, SizeOf(operation.ResponseDeleteRange));
                await WriteBodyAsync(operation.ResponseDeleteRange).ConfigureAwait(false);
                break;
            case ResponseOp.ResponseOneofCase.ResponseTxn:
                WriteFieldHeader(ResponseOp.ResponseTxnFieldNumber, SizeOf(operation.ResponseTxn));
                await WriteBodyAsync(operation.ResponseTxn).ConfigureAwait(false);
                break;
            default:
                WriteWhole(operation);
                await FlushPartAsync().ConfigureAwait(false);
                break;
        }
    }

    private async ValueTask WriteKvsAsync(int field, RepeatedField<KeyValue> kvs)
    {
        for (var i = 0; i < kvs.Count; i++)
        {
            var kv = kvs[i];
            WriteFieldHeader(field, kv.CalculateSize());
            if (kv.Value.Length < PartBytes)
            {
                WriteWhole(kv);
            }
            else
            {
                WriteWhole(new KeyValue
                {
                    Key = kv.Key, CreateRevision = kv.CreateRevision, ModRevision = kv.ModRevision, Version = kv.Version, Lease = kv.Lease,
                });
                WriteFieldHeader(KeyValue.ValueFieldNumber, kv.Value.Length);
                await WriteValueAsync(kv.Value.Memory).ConfigureAwait(false);
            }

            await FlushPartAsync().ConfigureAwait(false);
        }
    }

    private async ValueTask WriteValueAsync(ReadOnlyMemory<byte> value)
    {
        while (!value.IsEmpty)
        {
            var part = value[..int.Min(value.Length, PartBytes)];
            output.Write(part.Span);
            _unflushedBytes += part.Length;
            value = value[part.Length..];
            await FlushPartAsync().ConfigureAwait(false);
        }
    }

    private void WriteWhole(IMessage message)
    {
        message.WriteTo(output);
        _unflushedBytes += message.CalculateSize();
    }

    private void WriteFieldHeader(int field, long bytes)
    {
        var span = output.GetSpan(FieldHeaderBytesMax);
        var length = WriteVarint(span, WireFormat.MakeTag(field, WireFormat.WireType.LengthDelimited));
        length += WriteVarint(span[length..], (uint)bytes);
        output.Advance(length);
        _unflushedBytes += length;
    }

    private static int WriteVarint(Span<byte> target, uint value)
    {
        var length = 0;
        for (; value >= 0x80; value >>= 7)
            target[length++] = (byte)(value | 0x80);
        target[length++] = (byte)value;
        return length;
    }

    private async ValueTask EnterAsync()
    {
        try
        {
            await _turn.EnterAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw context.ToError();
        }
    }

    /// <summary>Sends the part that is complete, if one is; then waits until the client has accepted it and for the next turn.</summary>
    private async ValueTask FlushPartAsync()
    {
        if (_unflushedBytes < PartBytes)
            return;
        _turn.Exit();
        await FlushAsync().ConfigureAwait(false);
        await EnterAsync().ConfigureAwait(false);
    }

    private async ValueTask FlushAsync()
    {
        _unflushedBytes = 0;

        // Without a token: a cancelled flush would reset the call before the framework could send its status. See GrpcStream.
        var flush = output.FlushAsync(CancellationToken.None);
        if (flush.IsCompletedSuccessfully)
        {
            _ = flush.Result;
            return;
        }

        var flushing = flush.AsTask();
        try
        {
            await flushing.WaitAsync(context.Cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.Cancellation.IsCancellationRequested)
        {
            await EndAsync(flushing).ConfigureAwait(false);
            throw context.ToError();
        }
    }

    /// <summary>Ends the pending flush: none may outlive its call, because Kestrel uses the pipe for a later call.</summary>
    private async ValueTask EndAsync(Task flushing)
    {
        try
        {
            output.CancelPendingFlush();
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or InvalidOperationException)
        {
            // The client has reset the call, and the pipe is complete.
        }

        await flushing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
