namespace Quorate.Server.Replication;

/// <summary>Wakes whoever waits for news in the store; costs nothing when nobody does.</summary>
/// <remarks>
/// Shape: take <see cref="Next"/> first, look at the store then, and wait for what was taken only if there was nothing new: so no news is missed.
/// Threading: one thread pulses, any number wait.
/// </remarks>
internal sealed class RevisionSignal
{
    private TaskCompletionSource? _waiting;

    /// <summary>Ends at the next pulse.</summary>
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

    /// <summary>Says that there is news, which can be read already.</summary>
    public void Pulse() => Interlocked.Exchange(ref _waiting, null)?.TrySetResult();
}
