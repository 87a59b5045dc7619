using Google.Protobuf;
using Quorate.Server.Etcd;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Web;

/// <summary>The calls of the gateway that answer more than once. They take one request, because a body has one end.</summary>
internal sealed class JsonStreams(WatchApi watch, LeaseApi leases)
{
    /// <summary>Finds the call at a path, or null.</summary>
    public Func<string, Func<IMessage, CancellationToken, Task>, CancellationToken, Task>? Find(string path) => path switch
    {
        "/v3/watch" => WatchAsync,
        "/v3/lease/keepalive" => KeepAliveAsync,
        _ => null,
    };

    private Task WatchAsync(string json, Func<IMessage, CancellationToken, Task> send, CancellationToken ending)
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
            ending);
    }

    private async Task KeepAliveAsync(string json, Func<IMessage, CancellationToken, Task> send, CancellationToken ending)
    {
        var request = JsonGateway.Parser.Parse<Wire.LeaseKeepAliveRequest>(json);
        await send(await leases.KeepAliveAsync(request).ConfigureAwait(false), ending).ConfigureAwait(false);
    }
}
