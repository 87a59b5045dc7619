using Google.Protobuf;
using Grpc.Core;

namespace Quorate.Server.Http;

/// <summary>A stream of answers as JSON: one object a line, each sent as soon as it is there.</summary>
/// <remarks>
/// A refusal before the first answer is an ordinary refusal; after it, the last line says what went wrong. Source: etcd's gRPC gateway.
/// </remarks>
internal sealed class JsonStreamWriter(HttpContext context, JsonFormatter formatter)
{
    private bool _hasStarted;

    /// <summary>Runs a call that sends any number of answers, until it ends or the client goes away.</summary>
    public async Task RunAsync(Func<Func<IMessage, CancellationToken, Task>, CancellationToken, Task> call, CancellationToken stopping)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            await call(SendAsync, linked.Token).ConfigureAwait(false);
        }
        catch (RpcException error) when (_hasStarted)
        {
            await WriteLineAsync(
                $"{{\"error\":{{\"grpc_code\":{(int)error.StatusCode},\"http_code\":{JsonGateway.ToHttpStatus(error.StatusCode)},\"message\":\"{System.Text.Json.JsonEncodedText.Encode(error.Status.Detail)}\"}}}}",
                context.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (linked.IsCancellationRequested)
        {
            // The client has gone, or we go: there is nothing to add.
        }
    }

    private Task SendAsync(IMessage response, CancellationToken cancellation)
    {
        if (!_hasStarted)
        {
            _hasStarted = true;
            context.Response.StatusCode = StatusCodes.Status200OK;
            context.Response.ContentType = "application/json";
        }

        return WriteLineAsync($"{{\"result\":{formatter.Format(response)}}}", cancellation);
    }

    private async Task WriteLineAsync(string json, CancellationToken cancellation)
    {
        await context.Response.WriteAsync(json + "\n", cancellation).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(cancellation).ConfigureAwait(false);
    }
}
