using Quorate.Kv;
using Quorate.Server.Etcd;

namespace Quorate.Server.Replication;

/// <summary>Carries a request through changes of leadership, until it is done or its time is up, and says the rest in etcd's errors.</summary>
/// <remarks>
/// Whatever is known not to have happened is tried again here, because the client could do nothing better: a put that meets an election
/// is a put that takes a little longer. What may have happened is never repeated. The time is etcd's: 5 s and two election timeouts.
/// </remarks>
internal sealed class RequestExecutor
{
    /// <summary>The most requests that wait for a leader; beyond it they are refused, because waiting must not use up memory.</summary>
    private const int WaitersMax = 16_384;

    private readonly IRaftNode _node;
    private readonly SharedDeadline _deadline;
    private readonly CancellationToken _stopped;
    private int _waiters;

    /// <param name="node">This member's part.</param>
    /// <param name="electionTimeout">The cluster's, of which the time of a request is made.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stopped">The member goes: nobody waits any longer, and whoever does is told why.</param>
    public RequestExecutor(IRaftNode node, TimeSpan electionTimeout, TimeProvider time, CancellationToken stopped)
    {
        _node = node;
        _deadline = new SharedDeadline(TimeSpan.FromSeconds(5) + (2 * electionTimeout), time, stopped);
        _stopped = stopped;
    }

    /// <summary>How things stand here.</summary>
    public NodeStatus Status => _node.Status;

    /// <summary>Puts a command into the log and answers what applying it gave.</summary>
    /// <exception cref="Grpc.Core.RpcException">It was refused, or its outcome is not known.</exception>
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

    /// <summary>Waits until everything acknowledged before the call can be read here.</summary>
    /// <exception cref="Grpc.Core.RpcException">No quorum could be asked.</exception>
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
            // Not at once even if a leader is known: whoever refused must first hear of it too.
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
        _ => throw new ArgumentOutOfRangeException(nameof(outcome), outcome, "no error for it"),
    };
}
