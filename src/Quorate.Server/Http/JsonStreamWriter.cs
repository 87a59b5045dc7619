using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Etcd;

namespace Quorate.Server.Http;

/// <summary>Writes a stream of responses as JSON, one object per line, each sent immediately.</summary>
/// <remarks>
/// An error before the first response is an ordinary error response; an error after it is the last line of the stream.
/// Source: etcd's gRPC gateway.
/// </remarks>
internal sealed class JsonStreamWriter(HttpContext context, JsonFormatter formatter)
{
    private bool _hasStarted;

    /// <summary>Runs a call that sends any number of responses, until it completes or the client disconnects.</summary>
    public async Task RunAsync(
        Func<Func<IMessage, CancellationToken, Task>, RequestContext, Task> call, RequestContext request, CancellationToken stopping)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(request.Cancellation, stopping);
        try
        {
            await call(SendAsync, request.With(linked.Token)).ConfigureAwait(false);
        }
        catch (RpcException error) when (_hasStarted)
        {
            await WriteLineAsync(HttpResponses.FormatStreamError(error.Status), context.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (linked.IsCancellationRequested)
        {
            // The client disconnected, its deadline has passed, or the server is stopping: no further line is sent.
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
