namespace Quorate.Server.Hosting;

/// <summary>Bounds the bytes of large requests that are being received, parsed and executed, over all client connections.</summary>
/// <remarks>
/// Without it, clients that send the first half of many large requests would take as much memory as they like. A request that does not fit
/// waits, in order of arrival, for at most <see cref="WaitMax"/>. Small requests do not take part, so they are served while large ones
/// wait. A wait that the client cancels counts as one that took too long.
/// Threading: any thread.
/// </remarks>
internal sealed class ReceiveBudget(long bytesMax, TimeProvider time)
{
    /// <summary>The size from which a request takes part, bytes.</summary>
    /// <remarks>What a connection can hold of smaller ones is bounded by its flow-control window.</remarks>
    public const int LargeBytesMin = 64 * 1024;

    /// <summary>The default of the budget, bytes: about forty requests of the maximum size, or more smaller ones.</summary>
    public const long BytesMaxDefault = 64 * 1024 * 1024;

    /// <summary>The longest wait.</summary>
    public static TimeSpan WaitMax { get; } = TimeSpan.FromSeconds(5);

    // A waiting request holds what its connection has received so far.
    private const int WaitersMax = 128;

    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private long _used;

    /// <summary>The bytes in use.</summary>
    public long Used
    {
        get
        {
            lock (_lock)
                return _used;
        }
    }

    /// <summary>Takes bytes from the budget; returns false if there were too few for too long, or too many requests wait already.</summary>
    public ValueTask<bool> TryAcquireAsync(long bytes, CancellationToken cancellation)
    {
        var waiter = new LinkedListNode<Waiter>(new Waiter(bytes));
        lock (_lock)
        {
            if (_waiters.Count == 0 && Fits(bytes))
            {
                _used += bytes;
                return new(true);
            }

            if (_waiters.Count == WaitersMax)
                return new(false);
            _waiters.AddLast(waiter);
        }

        return WaitAsync(waiter, cancellation);
    }

    /// <summary>Gives bytes back.</summary>
    public void Release(long bytes)
    {
        lock (_lock)
        {
            _used -= bytes;
            AdmitWaiters();
        }
    }

    // A request larger than the whole budget is admitted alone.
    private bool Fits(long bytes) => _used == 0 || _used + bytes <= bytesMax;

    private void AdmitWaiters()
    {
        while (_waiters.First is { } next && Fits(next.Value.Bytes))
        {
            _waiters.Remove(next);
            _used += next.Value.Bytes;
            next.Value.Admitted.SetResult();
        }
    }

    private async ValueTask<bool> WaitAsync(LinkedListNode<Waiter> waiter, CancellationToken cancellation)
    {
        try
        {
            await waiter.Value.Admitted.Task.WaitAsync(WaitMax, time, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            lock (_lock)
            {
                if (waiter.List is null)
                {
                    // Admitted in the meantime.
                    _used -= waiter.Value.Bytes;
                }
                else
                {
                    _waiters.Remove(waiter);
                }

                AdmitWaiters();
            }

            return false;
        }
    }

    private sealed class Waiter(long bytes)
    {
        public long Bytes { get; } = bytes;

        public TaskCompletionSource Admitted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
