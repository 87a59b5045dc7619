using System.Threading.Channels;
using Quorate.Server.Replication;
using Quorate.Server.Watching;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Implements etcd's Watch service for gRPC and the JSON gateway.</summary>
internal sealed class WatchApi(
    RequestExecutor executor, IStoreReader store, ResponseHeaderFactory headers, WatchOptions options, TimeProvider time)
{
    // When the queue is full, the server stops reading the stream, and further requests wait at the client.
    private const int QueuedRequestsMax = 16;

    /// <summary>Runs one watch stream.</summary>
    /// <param name="receive">Receives the next request; returns null when the client has completed its stream.</param>
    /// <param name="send">Sends one response. If it blocks, the stream falls behind and catches up later.</param>
    /// <param name="context">The call; its cancellation ends the stream.</param>
    public async Task RunAsync(
        Func<CancellationToken, Task<Wire.WatchRequest?>> receive, Func<Wire.WatchResponse, CancellationToken, Task> send,
        RequestContext context)
    {
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(context.Cancellation);
        var requests = Channel.CreateBounded<Wire.WatchRequest>(
            new BoundedChannelOptions(QueuedRequestsMax) { SingleReader = true, SingleWriter = true });
        var receiving = ReceiveAsync(receive, requests.Writer, linked.Token);
        try
        {
            await new WatchStream(store, headers, options, time, send, executor.ThrowIfQuarantined)
                .RunAsync(requests.Reader, linked.Token).ConfigureAwait(false);
        }
        finally
        {
            await linked.CancelAsync().ConfigureAwait(false);
            await receiving.ConfigureAwait(false);
        }
    }

    /// <summary>Receives requests into the channel. Never throws: an exception completes the channel and is thrown by its reader.</summary>
    private static async Task ReceiveAsync(
        Func<CancellationToken, Task<Wire.WatchRequest?>> receive, ChannelWriter<Wire.WatchRequest> requests,
        CancellationToken cancellation)
    {
        try
        {
            while (await receive(cancellation).ConfigureAwait(false) is { } request)
                await requests.WriteAsync(request, cancellation).ConfigureAwait(false);
            requests.Complete();
        }
#pragma warning disable CA1031 // Any exception ends the stream; the reader of the channel rethrows it.
        catch (Exception e)
#pragma warning restore CA1031
        {
            requests.Complete(e);
        }
    }
}
