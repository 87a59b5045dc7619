namespace Quorate.Node.Driver;

/// <summary>Many wakers, one sleeper, and a wake that comes while the sleeper is at work is not lost.</summary>
/// <remarks>It sleeps at once, without turning in circles first: on a machine with few cores, those who would wake it need them.</remarks>
internal sealed class WakeSignal : IDisposable
{
    private readonly AutoResetEvent _event = new(false);
    private int _isSet;

    /// <summary>There is something to do. Costs a system call only if the loop has not been told yet.</summary>
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
            // The sleeper has ended; this waker was on its way here meanwhile, and finds out by other means.
        }
    }

    /// <summary>Sleeps until <see cref="Set"/>.</summary>
    public void Wait()
    {
        _event.WaitOne();
        Interlocked.Exchange(ref _isSet, 0);
    }

    /// <summary>Sleeps until <see cref="Set"/>, or for <paramref name="timeout"/>.</summary>
    public void Wait(TimeSpan timeout)
    {
        // Whole milliseconds, rounded up: rounded down, the last part of each wait would be spent turning in circles.
        if (timeout > TimeSpan.Zero)
            _event.WaitOne((int)Math.Ceiling(timeout.TotalMilliseconds));

        // Cleared before the loop looks: what is set from here on is seen by the next wait.
        Interlocked.Exchange(ref _isSet, 0);
    }

    public void Dispose() => _event.Dispose();
}
