using System.Buffers.Text;
using System.IO.Pipelines;
using System.Text;
using Google.Protobuf;
using Quorate.Server.Etcd;
using Quorate.Server.Protos;

namespace Quorate.Server.Http;

/// <summary>Writes the JSON of a range with many or large values key by key, each after the client has accepted those before.</summary>
/// <remarks>See <see cref="LargeResponseWriter"/>: memory does not grow with what clients do not read, and a cancelled call ends.</remarks>
internal sealed class LargeJsonWriter(HttpContext http, JsonFormatter formatter, LargeResponseLimiter limiter, RequestContext context)
{
    private const int PartBytes = 64 * 1024;

    // Three bytes are four characters of base64, so that only the last slice of a value may need padding.
    private const int SliceBytes = 3 * 4096;

    private readonly LargeResponseTurn _turn = limiter.TurnOf(context.Cancellation);
    private int _unflushedBytes;

    /// <summary>Writes the response.</summary>
    /// <exception cref="OperationCanceledException">The call was cancelled, after a part of the response was sent.</exception>
    public async Task WriteAsync(RangeResponse response)
    {
        http.Response.StatusCode = StatusCodes.Status200OK;
        http.Response.ContentType = "application/json";
        await http.Response.StartAsync(context.Cancellation).ConfigureAwait(false);
        var output = http.Response.BodyWriter;
        await _turn.EnterAsync().ConfigureAwait(false);
        using var turn = _turn;

        // The same names and values as in the formatter's text of the whole message.
        await WriteAsync(output, $"{{ \"header\": {formatter.Format(response.Header)}, \"kvs\": [ ").ConfigureAwait(false);
        for (var i = 0; i < response.Kvs.Count; i++)
        {
            if (i > 0)
                await WriteAsync(output, ", ").ConfigureAwait(false);
            await WriteAsync(output, response.Kvs[i]).ConfigureAwait(false);
        }

        var more = response.More ? ", \"more\": true" : "";
        await WriteAsync(output, $" ]{more}, \"count\": \"{response.Count}\" }}").ConfigureAwait(false);
    }

    private async ValueTask WriteAsync(PipeWriter output, KeyValue kv)
    {
        if (kv.Value.Length < SliceBytes)
        {
            await WriteAsync(output, formatter.Format(kv)).ConfigureAwait(false);
            return;
        }

        var rest = new KeyValue
        {
            Key = kv.Key, CreateRevision = kv.CreateRevision, ModRevision = kv.ModRevision, Version = kv.Version, Lease = kv.Lease,
        };
        await WriteAsync(output, formatter.Format(rest).TrimEnd(' ', '}') + ", \"value\": \"").ConfigureAwait(false);
        for (var value = kv.Value.Memory; !value.IsEmpty;)
        {
            var slice = value[..int.Min(value.Length, SliceBytes)];
            value = value[slice.Length..];
            Base64.EncodeToUtf8(slice.Span, output.GetSpan(Base64.GetMaxEncodedToUtf8Length(slice.Length)), out _, out var written);
            output.Advance(written);
            await FlushPartAsync(output, written).ConfigureAwait(false);
        }

        await WriteAsync(output, "\" }").ConfigureAwait(false);
    }

    private ValueTask WriteAsync(PipeWriter output, string text) => FlushPartAsync(output, (int)Encoding.UTF8.GetBytes(text, output));

    private async ValueTask FlushPartAsync(PipeWriter output, int written)
    {
        _unflushedBytes += written;
        if (_unflushedBytes < PartBytes)
            return;
        _unflushedBytes = 0;
        _turn.Exit();
        await output.FlushAsync(context.Cancellation).ConfigureAwait(false);
        await _turn.EnterAsync().ConfigureAwait(false);
    }
}
