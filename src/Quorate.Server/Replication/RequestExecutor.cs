using Quorate.Kv;
using Quorate.Server.Etcd;

namespace Quorate.Server.Replication;

/// <summary>Executes a request across leader changes until it succeeds or times out, and maps failures to etcd's errors.</summary>
/// <remarks>
/// A request that is known not to have been executed is retried here, because the client could only do the same: during an election, a put
/// takes longer instead of failing. A request that may have been executed is never retried. The timeout is etcd's: 5 s plus two election
/// timeouts.
/// </remarks>
internal sealed class RequestExecutor
{
    /// <summary>
    /// The maximum number of requests that wait for a leader; more are rejected, so that waiting requests use bounded memory.
    /// </summary>
    private const int WaitersMax = 16_384;

    private readonly IRaftNode _node;
    private readonly RequestDeadlineCoalescer _deadline;
    private readonly CancellationToken _stopped;
    private int _waiters;

    /// <param name="node">The member's Raft node.</param>
    /// <param name="electionTimeout">The election timeout of the cluster, from which the request timeout is computed.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stopped">Cancelled when the member stops; waiting requests then fail with "server stopped".</param>
    public RequestExecutor(IRaftNode node, TimeSpan electionTimeout, TimeProvider time, CancellationToken stopped)
    {
        _node = node;
        _deadline = new RequestDeadlineCoalescer(TimeSpan.FromSeconds(5) + (2 * electionTimeout), time, stopped);
        _stopped = stopped;
    }

    /// <summary>The status of this member's Raft node.</summary>
    public NodeStatus Status => _node.Status;

    /// <summary>Proposes a command and returns the result of applying it.</summary>
    /// <exception cref="Grpc.Core.RpcException">The proposal was rejected, or its outcome is unknown.</exception>
    public async ValueTask<KvResult> ProposeAsync(ReadOnlyMemory<byte> command)
    {
        var deadline = _deadline.GetToken();
        while (true)
        {
            var result = await _node.ProposeAsync(command, deadline).ConfigureAwait(false);
            if (result.Outcome == RequestOutcome.Completed)
                return result.Result;
            if (result.Outcome != RequestOutcome.Retry)
                throw ToRpcException(result.Outcome);
            await WaitForLeaderAsync(deadline).ConfigureAwait(false);
        }
    }

    /// <summary>Waits until this member has applied every write that was acknowledged before the call.</summary>
    /// <exception cref="Grpc.Core.RpcException">The read barrier was rejected or timed out.</exception>
    public async ValueTask ReadBarrierAsync()
    {
        var deadline = _deadline.GetToken();
        while (true)
        {
            var outcome = await _node.ReadBarrierAsync(deadline).ConfigureAwait(false);
            if (outcome == RequestOutcome.Completed)
                return;
            if (outcome != RequestOutcome.Retry)
                throw ToRpcException(outcome);
            await WaitForLeaderAsync(deadline).ConfigureAwait(false);
        }
    }

    private async Task WaitForLeaderAsync(CancellationToken deadline)
    {
        if (Interlocked.Increment(ref _waiters) > WaitersMax)
        {
            Interlocked.Decrement(ref _waiters);
            throw EtcdErrors.TooManyRequests();
        }

        try
        {
            // Wait even if a leader is known: the node that rejected the request may not know the leader yet.
            await Task.Delay(TimeSpan.FromMilliseconds(5), deadline).ConfigureAwait(false);
            await _node.WaitForLeaderAsync(deadline).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw _stopped.IsCancellationRequested ? EtcdErrors.Stopped()
                : _node.Status.Leader == 0 ? EtcdErrors.NoLeader()
                : EtcdErrors.TimedOut();
        }
        finally
        {
            Interlocked.Decrement(ref _waiters);
        }
    }

    private Grpc.Core.RpcException ToRpcException(RequestOutcome outcome) => outcome switch
    {
        RequestOutcome.Busy => EtcdErrors.TooManyRequests(),
        RequestOutcome.TooLarge => EtcdErrors.TooLarge(),
        RequestOutcome.Indeterminate => _stopped.IsCancellationRequested ? EtcdErrors.Stopped() : EtcdErrors.TimedOut(),
        RequestOutcome.Stopped => EtcdErrors.Stopped(),
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "no error is defined for this outcome"),
    };
}
