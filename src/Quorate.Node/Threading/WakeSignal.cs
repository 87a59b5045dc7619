namespace Quorate.Node.Threading;

/// <summary>
/// An auto-reset event for many threads that set it and one that waits. A set during the waiter's work is kept for its next wait.
/// </summary>
/// <remarks>
/// The waiter blocks at once instead of spinning first: on a machine with few cores, the threads that would set the event need them.
/// </remarks>
internal sealed class WakeSignal : IDisposable
{
    private readonly AutoResetEvent _event = new(false);
    private int _isSet;

    /// <summary>Sets the event. Costs a system call only if the event is not set already.</summary>
    public void Set()
    {
        if (Interlocked.Exchange(ref _isSet, 1) != 0)
            return;
        try
        {
            _event.Set();
        }
        catch (ObjectDisposedException)
        {
            // The waiter has ended and disposed the event, so there is no thread to wake.
        }
    }

    /// <summary>Blocks until <see cref="Set"/>.</summary>
    public void Wait()
    {
        _event.WaitOne();
        Interlocked.Exchange(ref _isSet, 0);
    }

    /// <summary>Blocks until <see cref="Set"/>, or until <paramref name="timeout"/> has elapsed.</summary>
    public void Wait(TimeSpan timeout)
    {
        // Whole milliseconds, rounded up: rounded down, the loop would spin for the last part of each wait.
        if (timeout > TimeSpan.Zero)
            _event.WaitOne((int)Math.Ceiling(timeout.TotalMilliseconds));

        // Cleared before the loop looks for work: a set from here on is seen by the next wait.
        Interlocked.Exchange(ref _isSet, 0);
    }

    public void Dispose() => _event.Dispose();
}
