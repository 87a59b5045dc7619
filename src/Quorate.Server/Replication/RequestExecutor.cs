using Quorate.Kv;
using Quorate.Server.Etcd;
using Quorate.Server.Hosting;

namespace Quorate.Server.Replication;

/// <summary>Executes a request across leader changes until it succeeds or times out, and maps failures to etcd's errors.</summary>
/// <remarks>
/// A request that is known not to have been executed is retried here, because the client could only do the same: during an election, a put
/// takes longer instead of failing. A request that may have been executed is never retried. The timeout is etcd's: 5 s plus two election
/// timeouts. A request ends at once when its client cancels it or its own deadline passes; a write may then still be executed.
/// </remarks>
internal sealed class RequestExecutor
{
    /// <summary>
    /// The maximum number of requests that wait for a leader; more are rejected, so that waiting requests use bounded memory.
    /// </summary>
    private const int WaitersMax = 16_384;

    private readonly IRaftNode _node;
    private readonly RequestDeadlineCoalescer _deadline;
    private readonly ILogger _log;
    private readonly CancellationToken _stopped;
    private int _waiters;
    private int _pendingProposals;
    private int _pendingReads;

    /// <param name="node">The member's Raft node.</param>
    /// <param name="electionTimeout">The election timeout of the cluster, from which the request timeout is computed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Receives a debug message for each call that its client ended.</param>
    /// <param name="stopped">Cancelled when the member stops; waiting requests then fail with "server stopped".</param>
    public RequestExecutor(IRaftNode node, TimeSpan electionTimeout, TimeProvider time, ILogger log, CancellationToken stopped)
    {
        _node = node;
        _deadline = new RequestDeadlineCoalescer(TimeSpan.FromSeconds(5) + (2 * electionTimeout), time, stopped);
        _log = log;
        _stopped = stopped;
    }

    /// <summary>The status of this member's Raft node.</summary>
    public NodeStatus Status => _node.Status;

    /// <summary>The number of proposals without a result, including those that wait for a leader.</summary>
    public int PendingProposals => Volatile.Read(ref _pendingProposals);

    /// <summary>The number of read barriers without a result, including those that wait for a leader.</summary>
    public int PendingReads => Volatile.Read(ref _pendingReads);

    /// <summary>Proposes a command and returns the result of applying it.</summary>
    /// <exception cref="Grpc.Core.RpcException">
    /// The proposal was rejected, or its outcome is unknown, for example because the call was cancelled.
    /// </exception>
    public async ValueTask<KvResult> ProposeAsync(RequestContext context, ReadOnlyMemory<byte> command)
    {
        Interlocked.Increment(ref _pendingProposals);
        try
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(context.Cancellation, _deadline.GetToken());
            while (true)
            {
                var result = await _node.ProposeAsync(command, waiting.Token).ConfigureAwait(false);
                if (result.Outcome == RequestOutcome.Completed)
                    return result.Result;
                if (result.Outcome != RequestOutcome.Retry)
                    throw ToRpcException(result.Outcome, context);
                await WaitForLeaderAsync(context, waiting.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _pendingProposals);
        }
    }

    /// <summary>Waits until this member has applied every write that was acknowledged before the call.</summary>
    /// <exception cref="Grpc.Core.RpcException">The read barrier was rejected, timed out, or the call was cancelled.</exception>
    public async ValueTask ReadBarrierAsync(RequestContext context)
    {
        Interlocked.Increment(ref _pendingReads);
        try
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(context.Cancellation, _deadline.GetToken());
            while (true)
            {
                var outcome = await _node.ReadBarrierAsync(waiting.Token).ConfigureAwait(false);
                if (outcome == RequestOutcome.Completed)
                    return;
                if (outcome != RequestOutcome.Retry)
                    throw ToRpcException(outcome, context);
                await WaitForLeaderAsync(context, waiting.Token).ConfigureAwait(false);
            }
        }
        finally
        {
            Interlocked.Decrement(ref _pendingReads);
        }
    }

    private async Task WaitForLeaderAsync(RequestContext context, CancellationToken waiting)
    {
        if (Interlocked.Increment(ref _waiters) > WaitersMax)
        {
            Interlocked.Decrement(ref _waiters);
            throw EtcdErrors.TooManyRequests();
        }

        try
        {
            // Wait even if a leader is known: the node that rejected the request may not know the leader yet.
            await Task.Delay(TimeSpan.FromMilliseconds(5), waiting).ConfigureAwait(false);
            await _node.WaitForLeaderAsync(waiting).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The request is known not to have been executed; with "no leader", the client may safely repeat it.
            throw _stopped.IsCancellationRequested ? EtcdErrors.Stopped()
                : context.Cancellation.IsCancellationRequested ? EndedByClient(context)
                : _node.Status.Leader == 0 ? EtcdErrors.NoLeader()
                : EtcdErrors.TimedOut();
        }
        finally
        {
            Interlocked.Decrement(ref _waiters);
        }
    }

    private Grpc.Core.RpcException EndedByClient(RequestContext context)
    {
        var error = context.ToError();
        ServerLogMessages.CallEnded(_log, context, error.Status.Detail);
        return error;
    }

    private Grpc.Core.RpcException ToRpcException(RequestOutcome outcome, RequestContext context) => outcome switch
    {
        RequestOutcome.Busy => EtcdErrors.TooManyRequests(),
        RequestOutcome.TooLarge => EtcdErrors.TooLarge(),
        RequestOutcome.Indeterminate => _stopped.IsCancellationRequested ? EtcdErrors.Stopped()
            : context.Cancellation.IsCancellationRequested ? EndedByClient(context)
            : EtcdErrors.TimedOut(),
        RequestOutcome.Stopped => EtcdErrors.Stopped(),
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "no error is defined for this outcome"),
    };
}
