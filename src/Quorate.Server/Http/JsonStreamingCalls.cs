using Google.Protobuf;
using Quorate.Server.Etcd;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Http;

/// <summary>The gateway's server-streaming calls. Each takes a single request, the body of the POST.</summary>
internal sealed class JsonStreamingCalls(WatchApi watch, LeaseApi leases, SnapshotApi snapshots)
{
    /// <summary>Returns the call at a path, or null.</summary>
    public Func<ReadOnlyMemory<byte>, Func<IMessage, CancellationToken, Task>, RequestContext, Task>? Find(string path) => path switch
    {
        "/v3/watch" => WatchAsync,
        "/v3/lease/keepalive" => KeepAliveAsync,
        "/v3/maintenance/snapshot" => SnapshotAsync,
        _ => null,
    };

    private Task WatchAsync(ReadOnlyMemory<byte> json, Func<IMessage, CancellationToken, Task> send, RequestContext context)
    {
        Wire.WatchRequest? request = JsonMessageParser.Parse<Wire.WatchRequest>(json.Span);
        return watch.RunAsync(
            _ =>
            {
                var next = request; // The first call returns the request, later ones null.
                request = null;
                return Task.FromResult<Wire.WatchRequest?>(next);
            },
            send,
            context);
    }

    private async Task KeepAliveAsync(ReadOnlyMemory<byte> json, Func<IMessage, CancellationToken, Task> send, RequestContext context)
    {
        var request = JsonMessageParser.Parse<Wire.LeaseKeepAliveRequest>(json.Span);
        var response = await leases.KeepAliveAsync(request, context).ConfigureAwait(false);
        await send(response, context.Cancellation).ConfigureAwait(false);
    }

    private Task SnapshotAsync(ReadOnlyMemory<byte> json, Func<IMessage, CancellationToken, Task> send, RequestContext context)
    {
        JsonMessageParser.Parse<Wire.SnapshotRequest>(json.Span);
        return snapshots.RunAsync(send, context);
    }
}
