using Google.Protobuf;
using Quorate.Server.Etcd;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Http;

/// <summary>The calls of the gateway that answer more than once. They take one request, because a body has one end.</summary>
internal sealed class JsonStreamingCalls(WatchApi watch, LeaseApi leases)
{
    /// <summary>Finds the call at a path, or null.</summary>
    public Func<string, Func<IMessage, CancellationToken, Task>, CancellationToken, Task>? Find(string path) => path switch
    {
        "/v3/watch" => WatchAsync,
        "/v3/lease/keepalive" => KeepAliveAsync,
        _ => null,
    };

    private Task WatchAsync(string json, Func<IMessage, CancellationToken, Task> send, CancellationToken cancellation)
    {
        Wire.WatchRequest? request = JsonGateway.Parser.Parse<Wire.WatchRequest>(json);
        return watch.RunAsync(
            _ =>
            {
                var next = request; // Once, and then no more.
                request = null;
                return Task.FromResult<Wire.WatchRequest?>(next);
            },
            send,
            cancellation);
    }

    private async Task KeepAliveAsync(string json, Func<IMessage, CancellationToken, Task> send, CancellationToken cancellation)
    {
        var request = JsonGateway.Parser.Parse<Wire.LeaseKeepAliveRequest>(json);
        await send(await leases.KeepAliveAsync(request).ConfigureAwait(false), cancellation).ConfigureAwait(false);
    }
}
