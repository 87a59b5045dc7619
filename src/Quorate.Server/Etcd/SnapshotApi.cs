using Grpc.Core;
using Quorate.Node;
using Quorate.Node.Backups;
using Quorate.Server.Hosting;
using Quorate.Server.Protos;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>Implements etcd's Snapshot call for gRPC and the JSON gateway: sends a backup of the cluster's state.</summary>
/// <remarks>
/// <code>
///   read barrier ─► capture a view, between two batches ─► encode it on a thread of its own, one part at a time ─► send
/// </code>
/// The backup contains every write that was acknowledged before the call. Writes are not stopped. Memory: one part, and what writes replace
/// in the store while the view exists; so downloads are limited in number, and a client that reads nothing does not keep its view.
/// Threading: any number of calls at once.
/// </remarks>
internal sealed class SnapshotApi(
    RequestExecutor executor, Func<CancellationToken, Task<Backup>> capture, IStoreReader store, ResponseHeaderFactory headers, ILogger log)
{
    /// <summary>
    /// The maximum number of downloads at the same time. Each may keep a copy of everything that is overwritten meanwhile.
    /// </summary>
    internal const int DownloadsMax = 2;

    private int _running;
    private long _completed;
    private long _failed;
    private long _sentBytes;

    /// <summary>The time after which a download ends whose client receives nothing.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The number of downloads in progress.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>The number of complete downloads.</summary>
    public long Completed => Volatile.Read(ref _completed);

    /// <summary>The number of downloads that ended before they were complete, and of those that were rejected.</summary>
    public long Failed => Volatile.Read(ref _failed);

    /// <summary>The number of bytes sent.</summary>
    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>Sends a backup.</summary>
    /// <param name="send">Sends one response, and completes when the next one can be sent.</param>
    /// <param name="context">The call; its cancellation ends the download.</param>
    /// <exception cref="RpcException">There is no leader, too many downloads are in progress, or the client receives nothing.</exception>
    public async Task RunAsync(Func<SnapshotResponse, CancellationToken, Task> send, RequestContext context)
    {
        try
        {
            if (Interlocked.Increment(ref _running) > DownloadsMax)
                throw EtcdErrors.TooManySnapshots(DownloadsMax);
            await executor.ReadBarrierAsync(context).ConfigureAwait(false);
            using var backup = await CaptureAsync(context.Cancellation).ConfigureAwait(false);
            await Task.Factory.StartNew(
                () => Send(backup, send, context), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default)
                .ConfigureAwait(false);
            Interlocked.Increment(ref _completed);
        }
        catch (Exception e)
        {
            Interlocked.Increment(ref _failed);
            var error = e as RpcException ?? (e is OperationCanceledException ? context.ToError() : null);
            ServerLogMessages.SnapshotNotSent(log, context.Peer, error?.Status.Detail ?? e.Message);
            throw;
        }
        finally
        {
            Interlocked.Decrement(ref _running);
        }
    }

    private async Task<Backup> CaptureAsync(CancellationToken cancellation)
    {
        try
        {
            return await capture(cancellation).ConfigureAwait(false);
        }
        catch (NodeStoppedException)
        {
            throw EtcdErrors.Stopped();
        }
        catch (NodeQuarantinedException)
        {
            throw EtcdErrors.Corrupt();
        }
    }

    /// <summary>Encodes and sends the backup. Blocks while the client cannot receive.</summary>
    private void Send(Backup backup, Func<SnapshotResponse, CancellationToken, Task> send, RequestContext context)
    {
        var total = backup.MeasureBytes(context.Cancellation);
        ServerLogMessages.SnapshotStarted(log, context.Peer, backup.Last.Index.Value, total);
        using var parts = new SnapshotPartStream(
            total, headers.At(store.Revision),
            (part, token) =>
            {
                Interlocked.Add(ref _sentBytes, part.Blob.Length);
                return send(part, token);
            },
            StallTimeout, context.Cancellation);
        backup.WriteTo(parts, context.Cancellation);
        parts.Flush();
        ServerLogMessages.SnapshotSent(log, context.Peer, backup.Last.Index.Value, total);
    }
}
