using System.Threading.Channels;
using Quorate.Server.Protos;
using Quorate.Server.Replication;

namespace Quorate.Server.Etcd;

/// <summary>One keep-alive stream: reads requests while earlier renewals are pending, and sends the responses in their order.</summary>
/// <remarks>
/// <code>
///   next ─► reader ─► pending, at most WindowMax ─► writer, awaits the first one ─► send
///              └─► LeaseRenewals
/// </code>
/// When the window is full, the reader waits for the client to read its responses. When the stream ends, pending renewals free their
/// places.
/// </remarks>
internal sealed class LeaseKeepAliveStream(
    LeaseRenewals renewals, Func<long, LeaseKeepAliveResponse> createResponse,
    Func<CancellationToken, Task<LeaseKeepAliveRequest?>> next, Func<LeaseKeepAliveResponse, bool, CancellationToken, Task> send)
{
    /// <summary>The maximum number of renewals of one stream that are pending or whose responses are not sent.</summary>
    internal const int WindowMax = 1024;

    /// <summary>The maximum number of responses that are sent together.</summary>
    private const int ResponsesPerFlushMax = 128;

    private readonly Channel<Pending> _pending = Channel.CreateBounded<Pending>(
        new BoundedChannelOptions(WindowMax) { SingleReader = true, SingleWriter = true });

    /// <summary>Runs the stream until its requests end and the last response is sent.</summary>
    public async Task RunAsync(RequestContext context)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.Cancellation);
        var reading = ReadAsync(ended.Token);
        try
        {
            await WriteAsync(ended.Token).ConfigureAwait(false);
            await reading.ConfigureAwait(false);
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            while (_pending.Reader.TryRead(out var pending))
                pending.Renewal.Cancel();
        }
    }

    private async Task ReadAsync(CancellationToken ended)
    {
        try
        {
            while (await next(ended).ConfigureAwait(false) is { } request)
            {
                await _pending.Writer.WaitToWriteAsync(ended).ConfigureAwait(false);
                var response = createResponse(request.ID);
                _pending.Writer.TryWrite(new Pending(renewals.Enqueue(request.ID), response));
            }

            _pending.Writer.Complete();
        }
        catch (Exception error)
        {
            // The writer ends with the exception, after the responses of earlier requests.
            _pending.Writer.Complete(error);
            throw;
        }
    }

    private async Task WriteAsync(CancellationToken cancellation)
    {
        var unflushed = 0;
        while (await _pending.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
        {
            while (_pending.Reader.TryRead(out var pending))
            {
                var (renewal, response) = pending;
                response.TTL = await WaitAsync(renewal, cancellation).ConfigureAwait(false);
                var isNextReady = _pending.Reader.TryPeek(out var following) && following.Renewal.Task.IsCompleted;
                unflushed = isNextReady && unflushed < ResponsesPerFlushMax ? unflushed + 1 : 0;
                await send(response, unflushed == 0, cancellation).ConfigureAwait(false);
            }
        }
    }

    private static async ValueTask<long> WaitAsync(LeaseRenewals.Renewal renewal, CancellationToken cancellation)
    {
        if (renewal.Task.IsCompleted)
            return await renewal.Task.ConfigureAwait(false);
        var registration = cancellation.UnsafeRegister(static state => ((LeaseRenewals.Renewal)state!).Cancel(), renewal);
        try
        {
            return await renewal.Task.ConfigureAwait(false);
        }
        finally
        {
            registration.Unregister();
        }
    }

    /// <summary>A renewal and its response, which lacks only the TTL.</summary>
    private readonly record struct Pending(LeaseRenewals.Renewal Renewal, LeaseKeepAliveResponse Response);
}
