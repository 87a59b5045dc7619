namespace Quorate.Node.Groups;

/// <summary>Wakes the loop: many wakers, one sleeper, and a wake that comes while the loop is at work is not lost.</summary>
internal sealed class WakeSignal : IDisposable
{
    private readonly AutoResetEvent _event = new(false);
    private int _isSet;

    /// <summary>There is something to do. Costs a system call only if the loop has not been told yet.</summary>
    public void Set()
    {
        if (Interlocked.Exchange(ref _isSet, 1) == 0)
            _event.Set();
    }

    /// <summary>Sleeps until <see cref="Set"/>, or for <paramref name="most"/>.</summary>
    public void Wait(TimeSpan most)
    {
        if (most > TimeSpan.Zero)
            _event.WaitOne(most);

        // Cleared before the loop looks: what is set from here on is seen by the next wait.
        Interlocked.Exchange(ref _isSet, 0);
    }

    public void Dispose() => _event.Dispose();
}
