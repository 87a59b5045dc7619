using Grpc.Core;
using Quorate.Kv;
using Quorate.Server.Etcd;

namespace Quorate.Server.Replication;

/// <summary>
/// Renews leases through the log, many in one entry: renewals that arrive while an entry is being committed are proposed together in the
/// next one.
/// </summary>
/// <remarks>
/// <code>
///   Enqueue ─► waiting, at most WaitingMax ─► one entry of at most LeaseRenewManyRequest.MaxIds ─► committed ─► each caller's TTL
/// </code>
/// So the number of entries depends on the time of a commit, not on the number of leases. A caller that cancels frees its place; its
/// renewal may already be in an entry, and the entry's other callers are not affected. The entry is proposed with the request timeout of
/// the server, and a caller waits at most for that long until its entry is proposed.
/// Threading: any thread.
/// </remarks>
internal sealed class LeaseRenewals(RequestExecutor executor, TimeProvider time)
{
    /// <summary>The maximum number of callers that wait for their entry: about 16 entries. Further ones are rejected.</summary>
    internal const int WaitingMax = 16 * LeaseRenewManyRequest.MaxIds;

    private readonly Lock _lock = new();
    private readonly LinkedList<Renewal> _waiting = [];
    private bool _isProposing;

    /// <summary>Renews a lease for its full TTL; returns the TTL in seconds, or 0 if the lease does not exist.</summary>
    /// <exception cref="RpcException">
    /// Too many renewals are waiting, the entry was rejected, or its outcome is unknown, for example because the call was cancelled.
    /// </exception>
    public async ValueTask<long> RenewAsync(long id, RequestContext context)
    {
        var renewal = Enqueue(id);
        var registration = context.Cancellation.UnsafeRegister(static state => ((Renewal)state!).Cancel(), renewal);
        try
        {
            return await renewal.Task.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw context.ToError();
        }
        finally
        {
            registration.Unregister();
        }
    }

    /// <summary>Adds a renewal, whose task completes with the TTL in seconds, or 0 if the lease does not exist.</summary>
    /// <exception cref="RpcException">Too many renewals are waiting.</exception>
    public Renewal Enqueue(long id)
    {
        var renewal = new Renewal(this, id, time.GetTimestamp());
        lock (_lock)
        {
            if (_waiting.Count >= WaitingMax)
                throw EtcdErrors.TooManyRequests();
            _waiting.AddLast(renewal.Node);
            if (_isProposing)
                return renewal;
            _isProposing = true;
        }

        // On another thread: renewals that arrive until it runs join the first entry.
        ThreadPool.UnsafeQueueUserWorkItem(static renewals => _ = renewals.ProposeAllAsync(), this, preferLocal: false);
        return renewal;
    }

    /// <summary>Proposes entries until no renewal is waiting.</summary>
    private async Task ProposeAllAsync()
    {
        var batch = new List<Renewal>();
        while (TryTake(batch))
        {
            try
            {
                var ttls = await ProposeAsync(batch).ConfigureAwait(false);
                for (var i = 0; i < batch.Count; i++)
                    batch[i].TrySetResult(ttls[i].TtlSeconds);
            }
#pragma warning disable CA1031 // Every caller gets the exception; without it, they would wait for their own timeouts.
            catch (Exception error)
#pragma warning restore CA1031
            {
                foreach (var renewal in batch)
                    renewal.TrySetException(error);
            }

            batch.Clear();
        }
    }

    /// <summary>Takes the renewals of the next entry. Returns false, and ends proposing, if none is waiting.</summary>
    private bool TryTake(List<Renewal> batch)
    {
        var now = time.GetTimestamp();
        List<Renewal> timedOut = [];
        lock (_lock)
        {
            while (batch.Count < LeaseRenewManyRequest.MaxIds && _waiting.First is { Value: var renewal })
            {
                _waiting.RemoveFirst();
                (time.GetElapsedTime(renewal.ArrivedAt, now) <= executor.Timeout ? batch : timedOut).Add(renewal);
            }

            _isProposing = batch.Count > 0;
        }

        foreach (var renewal in timedOut)
            renewal.TrySetException(EtcdErrors.TimedOut());
        return batch.Count > 0;
    }

    private async Task<IReadOnlyList<Lease>> ProposeAsync(List<Renewal> batch)
    {
        var ids = new long[batch.Count];
        for (var i = 0; i < ids.Length; i++)
            ids[i] = batch[i].Id;
        var command = CommandEncoder.Encode(new LeaseRenewManyRequest(ids), capacity: 16 + (ids.Length * 10));
        var context = RequestContext.FromServer(CancellationToken.None);
        var result = await executor.ProposeAsync(context, command, takesSpace: false).ConfigureAwait(false);
        return result.Error is { } error ? throw EtcdErrors.From(error) : ((LeaseRenewManyResponse)result.Response!).Leases;
    }

    private void Remove(Renewal renewal)
    {
        lock (_lock)
        {
            if (renewal.Node.List is not null)
                _waiting.Remove(renewal.Node);
        }
    }

    /// <summary>One caller's renewal.</summary>
    internal sealed class Renewal : TaskCompletionSource<long>
    {
        private readonly LeaseRenewals _renewals;

        internal Renewal(LeaseRenewals renewals, long id, long arrivedAt)
            : base(TaskCreationOptions.RunContinuationsAsynchronously)
        {
            (_renewals, Id, ArrivedAt) = (renewals, id, arrivedAt);
            Node = new LinkedListNode<Renewal>(this);
        }

        public long Id { get; }

        public long ArrivedAt { get; }

        internal LinkedListNode<Renewal> Node { get; }

        /// <summary>Cancels the task, and frees the place of the caller if its entry has not been proposed yet.</summary>
        public void Cancel()
        {
            _renewals.Remove(this);
            TrySetCanceled();
        }
    }
}
