using System.Threading.Channels;
using Quorate.Server.Replication;
using Quorate.Server.Watching;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>What etcd's Watch service does, whichever way the requests come: gRPC or JSON.</summary>
internal sealed class WatchApi(IStoreReader store, ResponseHeaders headers, WatchOptions options, TimeProvider time)
{
    // What a client asks faster than it is answered waits with the client.
    private const int QueuedRequestsMax = 16;

    /// <summary>Runs one stream of watchers.</summary>
    /// <param name="receive">The next request; null when the client has no more.</param>
    /// <param name="send">Sends one answer. It may take its time: the stream then lags.</param>
    /// <param name="cancellation">Ends the stream.</param>
    public async Task RunAsync(
        Func<CancellationToken, Task<Wire.WatchRequest?>> receive, Func<Wire.WatchResponse, CancellationToken, Task> send, CancellationToken cancellation)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var requests = Channel.CreateBounded<Wire.WatchRequest>(new BoundedChannelOptions(QueuedRequestsMax) { SingleReader = true, SingleWriter = true });
        var receiving = ReceiveAsync(receive, requests.Writer, linked.Token);
        try
        {
            await new WatchStream(store, headers, options, time, send).RunAsync(requests.Reader, linked.Token).ConfigureAwait(false);
        }
        finally
        {
            await linked.CancelAsync().ConfigureAwait(false);
            await receiving.ConfigureAwait(false);
        }
    }

    /// <summary>Never fails: what went wrong is in the channel, for the loop that reads it.</summary>
    private static async Task ReceiveAsync(
        Func<CancellationToken, Task<Wire.WatchRequest?>> receive, ChannelWriter<Wire.WatchRequest> requests, CancellationToken cancellation)
    {
        try
        {
            while (await receive(cancellation).ConfigureAwait(false) is { } request)
                await requests.WriteAsync(request, cancellation).ConfigureAwait(false);
            requests.Complete();
        }
#pragma warning disable CA1031 // Whatever it is, it ends the stream, and the reader throws it there.
        catch (Exception e)
#pragma warning restore CA1031
        {
            requests.Complete(e);
        }
    }
}
