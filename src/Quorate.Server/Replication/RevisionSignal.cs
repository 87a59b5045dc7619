namespace Quorate.Server.Replication;

/// <summary>Signals changes of the store to waiting tasks; a pulse without waiters costs one atomic exchange.</summary>
/// <remarks>
/// Usage: call <see cref="Next"/>, then read the store, and await the returned task only if the store had nothing new. In this order no
/// change is missed. Threading: one thread pulses, any number of threads wait.
/// </remarks>
internal sealed class RevisionSignal
{
    private TaskCompletionSource? _waiting;

    /// <summary>Returns a task that completes at the next pulse.</summary>
    public Task Next()
    {
        while (true)
        {
            if (Volatile.Read(ref _waiting) is { } waiting)
                return waiting.Task;
            var fresh = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (Interlocked.CompareExchange(ref _waiting, fresh, null) is null)
                return fresh.Task;
        }
    }

    /// <summary>Completes the tasks of all waiters. The change must be readable before the call.</summary>
    public void Pulse() => Interlocked.Exchange(ref _waiting, null)?.TrySetResult();
}
