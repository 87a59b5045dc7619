using Grpc.Core;
using Quorate.Kv;
using Quorate.Node;

namespace Quorate.Server.Etcd;

/// <summary>
/// Ends a stream with a status when the member stops, or when the client requires a leader and there has been none for three election
/// timeouts.
/// </summary>
/// <remarks>Source: etcd v3 API, the metadata <c>hasleader</c>.</remarks>
internal sealed class StreamCancellationMonitor(
    IRaftNode<KvResult> node, TimeSpan electionTimeout, TimeProvider time, CancellationToken stopping)
{
    private const int TimeoutsWithoutLeaderMax = 3;

    /// <summary>Runs a stream until it completes or the guard ends it. Its context is cancelled when the guard ends it.</summary>
    /// <exception cref="RpcException">The guard ended the stream; the status has the reason.</exception>
    public async Task RunAsync<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requests, IServerStreamWriter<TResponse> responses, ServerCallContext context,
        Func<GrpcStream<TRequest, TResponse>, RequestContext, Task> run)
        where TRequest : class
    {
        var http = context.GetHttpContext();
        var stream = new GrpcStream<TRequest, TResponse>(
            requests, responses, http.Request.BodyReader.CancelPendingRead, http.Response.BodyWriter.CancelPendingFlush);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, stopping);
        var requiresLeader = context.RequestHeaders.Get("hasleader") is not null;
        var leaderLost = false;
        var leaderMonitor = requiresLeader ? CancelWithoutLeaderAsync(linked) : Task.FromResult(false);
        try
        {
            await run(stream, RequestContext.From(context).With(linked.Token)).ConfigureAwait(false);
        }
        catch (Exception e)
            when (linked.IsCancellationRequested
                && e is OperationCanceledException or RpcException or IOException or InvalidOperationException)
        {
            // The client or the server ended the stream; the exception of the interrupted operation is irrelevant.
        }
        finally
        {
            await linked.CancelAsync().ConfigureAwait(false);
            leaderLost = await leaderMonitor.ConfigureAwait(false);
            await stream.EndAsync().ConfigureAwait(false);
        }

        if (leaderLost)
            throw EtcdErrors.NoLeader();
        if (stopping.IsCancellationRequested)
            throw EtcdErrors.Stopped();
    }

    private async Task<bool> CancelWithoutLeaderAsync(CancellationTokenSource linked)
    {
        using var timer = new PeriodicTimer(electionTimeout, time);
        var ticksWithoutLeader = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(linked.Token).ConfigureAwait(false))
            {
                ticksWithoutLeader = !node.Status.HasLeader ? ticksWithoutLeader + 1 : 0;
                if (ticksWithoutLeader < TimeoutsWithoutLeaderMax)
                    continue;
                await linked.CancelAsync().ConfigureAwait(false);
                return true;
            }
        }
        catch (OperationCanceledException)
        {
            // The stream has ended.
        }

        return false;
    }
}
