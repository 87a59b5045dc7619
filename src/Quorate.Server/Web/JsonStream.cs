using Google.Protobuf;
using Grpc.Core;

namespace Quorate.Server.Web;

/// <summary>A stream of answers as JSON: one object a line, each sent as soon as it is there.</summary>
/// <remarks>
/// A refusal before the first answer is an ordinary refusal; after it, the last line says what went wrong. Source: etcd's gRPC gateway.
/// </remarks>
internal sealed class JsonStream(HttpContext context, JsonFormatter formatter)
{
    private bool _begun;

    /// <summary>Runs a call that sends any number of answers, until it ends or the client goes away.</summary>
    public async Task RunAsync(Func<Func<IMessage, CancellationToken, Task>, CancellationToken, Task> call, CancellationToken stopping)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            await call(SendAsync, ending.Token).ConfigureAwait(false);
        }
        catch (RpcException refused) when (_begun)
        {
            await WriteLineAsync(
                $"{{\"error\":{{\"grpc_code\":{(int)refused.StatusCode},\"http_code\":{JsonGateway.HttpStatusOf(refused.StatusCode)},\"message\":\"{System.Text.Json.JsonEncodedText.Encode(refused.Status.Detail)}\"}}}}",
                context.RequestAborted).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The client has gone, or we go: there is nothing to add.
        }
    }

    private Task SendAsync(IMessage answer, CancellationToken cancellation)
    {
        if (!_begun)
        {
            _begun = true;
            context.Response.StatusCode = StatusCodes.Status200OK;
            context.Response.ContentType = "application/json";
        }

        return WriteLineAsync($"{{\"result\":{formatter.Format(answer)}}}", cancellation);
    }

    private async Task WriteLineAsync(string json, CancellationToken cancellation)
    {
        await context.Response.WriteAsync(json + "\n", cancellation).ConfigureAwait(false);
        await context.Response.Body.FlushAsync(cancellation).ConfigureAwait(false);
    }
}
