using Grpc.Core;
using Quorate.Kv;
using Quorate.Node;
using Quorate.Raft;
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

    /// <summary>
    /// The pause before a request is forwarded again that the receiving member rejected because it does not lead: this member may consider
    /// it the leader until the next one's first heartbeat arrives, and would otherwise forward in a loop.
    /// </summary>
    private static readonly TimeSpan ForwardPause = TimeSpan.FromMilliseconds(5);

    /// <summary>The pause before a change of the configuration is attempted again while another one is in progress.</summary>
    private static readonly TimeSpan ChangePause = TimeSpan.FromMilliseconds(20);

    private readonly IRaftNode<KvResult> _node;
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
    public RequestExecutor(
        IRaftNode<KvResult> node, TimeSpan electionTimeout, TimeProvider time, ILogger log, CancellationToken stopped)
    {
        _node = node;
        Timeout = TimeSpan.FromSeconds(5) + (2 * electionTimeout);
        _deadline = new RequestDeadlineCoalescer(Timeout, time, stopped);
        _log = log;
        _stopped = stopped;
    }

    /// <summary>The request timeout: how long a request waits for a leader and a quorum.</summary>
    public TimeSpan Timeout { get; }

    /// <summary>The status of this member's Raft node.</summary>
    public RaftStatus Status => _node.Status;

    /// <summary>The number of proposals without a result, including those that wait for a leader.</summary>
    public int PendingProposals => Volatile.Read(ref _pendingProposals);

    /// <summary>The number of read barriers without a result, including those that wait for a leader.</summary>
    public int PendingReads => Volatile.Read(ref _pendingReads);

    /// <summary>Proposes a command and returns the result of applying it.</summary>
    /// <param name="context">The call.</param>
    /// <param name="command">The command.</param>
    /// <param name="takesSpace">Whether the command may make the store larger, so that it is rejected while space is short.</param>
    /// <exception cref="RpcException">
    /// The proposal was rejected, or its outcome is unknown, for example because the call was cancelled.
    /// </exception>
    public async ValueTask<KvResult> ProposeAsync(RequestContext context, ReadOnlyMemory<byte> command, bool takesSpace)
    {
        var options = new ProposalOptions { FreesSpace = !takesSpace };
        Interlocked.Increment(ref _pendingProposals);
        try
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(context.Cancellation, _deadline.GetToken());
            while (true)
            {
                var result = await _node.ProposeAsync(command, options, waiting.Token).ConfigureAwait(false);
                switch (result.Outcome)
                {
                    case ProposalOutcome.Committed:
                        return result.Result;
                    case ProposalOutcome.Indeterminate:
                        throw Interrupted(context, EtcdErrors.TimedOut());
                    default:
                        await WaitToRetryAsync(result.Reason, waiting.Token).ConfigureAwait(false);
                        break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            throw Interrupted(context, NotExecutedInTime());
        }
        catch (NodeStoppedException)
        {
            throw EtcdErrors.Stopped();
        }
        finally
        {
            Interlocked.Decrement(ref _pendingProposals);
        }
    }

    /// <summary>
    /// Makes a change of the configuration: attempts it until it is committed, the attempt throws, or the request times out.
    /// </summary>
    /// <param name="context">The call.</param>
    /// <param name="attempt">
    /// Proposes the change, to the configuration as this member knows it; it throws for a rejection that is the client's to handle.
    /// </param>
    /// <exception cref="RpcException">The change was rejected, or its outcome is unknown.</exception>
    public async ValueTask<ConfigurationAt> ChangeConfigurationAsync(
        RequestContext context, Func<CancellationToken, ValueTask<ProposalResult<ConfigurationAt>>> attempt)
    {
        Interlocked.Increment(ref _pendingProposals);
        try
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(context.Cancellation, _deadline.GetToken());
            while (true)
            {
                // So that this member knows the configuration on which the leader decides.
                await ReadBarrierAsync(context).ConfigureAwait(false);
                var result = await attempt(waiting.Token).ConfigureAwait(false);
                if (result.Outcome == ProposalOutcome.Committed)
                    return result.Result;
                if (result.Outcome == ProposalOutcome.Indeterminate)
                    throw Interrupted(context, EtcdErrors.TimedOut());

                // The leader binds a member that has connected, promotes one, or has just been elected: both take milliseconds.
                if (result.Reason is RejectReason.ChangeInProgress or RejectReason.ConfigurationChanged or RejectReason.QuorumWouldBeLost)
                    await Task.Delay(ChangePause, waiting.Token).ConfigureAwait(false);
                else
                    await WaitToRetryAsync(result.Reason, waiting.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            throw Interrupted(context, NotExecutedInTime());
        }
        catch (NodeStoppedException)
        {
            throw EtcdErrors.Stopped();
        }
        finally
        {
            Interlocked.Decrement(ref _pendingProposals);
        }
    }

    /// <summary>Whether this member is quarantined, so that nothing of its state may be served.</summary>
    public bool IsQuarantined => _node.Status.Quarantine is not null;

    /// <summary>Requires that the state of this member may be served, for a read that does not wait for a read barrier.</summary>
    /// <exception cref="RpcException">The member is quarantined.</exception>
    public void ThrowIfQuarantined()
    {
        if (IsQuarantined)
            throw EtcdErrors.Corrupt();
    }

    /// <summary>Waits until this member has applied every write that was acknowledged before the call.</summary>
    /// <exception cref="RpcException">The read barrier was rejected, timed out, or the call was cancelled.</exception>
    public async ValueTask ReadBarrierAsync(RequestContext context)
    {
        Interlocked.Increment(ref _pendingReads);
        try
        {
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(context.Cancellation, _deadline.GetToken());
            while (true)
            {
                var result = await _node.ReadBarrierAsync(waiting.Token).ConfigureAwait(false);
                if (result.IsGranted)
                    return;
                await WaitToRetryAsync(result.Reason, waiting.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            throw Interrupted(context, NotExecutedInTime());
        }
        catch (NodeStoppedException)
        {
            throw EtcdErrors.Stopped();
        }
        finally
        {
            Interlocked.Decrement(ref _pendingReads);
        }
    }

    /// <summary>Waits until a rejected request may be retried, or throws the error of a rejection that a retry would not change.</summary>
    private Task WaitToRetryAsync(RejectReason? reason, CancellationToken waiting) => reason switch
    {
        RejectReason.Superseded => Task.CompletedTask,
        RejectReason.NoLeader => WaitForLeaderAsync(TimeSpan.Zero, waiting),
        RejectReason.NotLeader => WaitForLeaderAsync(ForwardPause, waiting),
        RejectReason.Busy => throw EtcdErrors.TooManyRequests(),
        RejectReason.NoSpace => throw EtcdErrors.From(KvError.NoSpace),
        RejectReason.TooLarge => throw EtcdErrors.TooLarge(),
        RejectReason.Quarantined => throw EtcdErrors.Corrupt(),
        _ => throw new InvalidOperationException($"no error is defined for the rejection {reason}"),
    };

    private async Task WaitForLeaderAsync(TimeSpan pause, CancellationToken waiting)
    {
        if (Interlocked.Increment(ref _waiters) > WaitersMax)
        {
            Interlocked.Decrement(ref _waiters);
            throw EtcdErrors.TooManyRequests();
        }

        try
        {
            if (pause > TimeSpan.Zero)
                await Task.Delay(pause, waiting).ConfigureAwait(false);
            await _node.WaitForLeaderAsync(waiting).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _waiters);
        }
    }

    /// <summary>The error of a request that stopped waiting: of the server's stop, of the client, or else of the request timeout.</summary>
    private RpcException Interrupted(RequestContext context, RpcException timedOut)
    {
        if (_stopped.IsCancellationRequested)
            return EtcdErrors.Stopped();
        if (!context.Cancellation.IsCancellationRequested)
            return timedOut;

        var error = context.ToError();
        ServerLogMessages.CallEnded(_log, context, error.Status.Detail);
        return error;
    }

    /// <summary>The error of the request timeout for a request that is known not to have been executed.</summary>
    private RpcException NotExecutedInTime() => _node.Status.HasLeader ? EtcdErrors.TimedOut() : EtcdErrors.NoLeader();
}
