namespace Quorate.Node.Wal;

/// <summary>How far the next segment should be filled by now: one thread says, another fills and waits.</summary>
/// <remarks>
/// <code>
///   present  ├──── used ─────────────┤        │
///   next     ├──── filled ────────┤           │        wanted: a little ahead
/// </code>
/// In step with the writes, because it is as many bytes again as the log is given: filled in one go, they would stand before the flush of every write of that moment.
/// </remarks>
internal sealed class PreallocationThrottle
{
    private readonly object _gate = new();
    private long _allowed;
    private long _awaited = long.MaxValue;
    private bool _isCancelled;

    /// <summary>All of it, at once.</summary>
    public static PreallocationThrottle Unlimited => new() { _allowed = long.MaxValue };

    /// <summary>It should be filled up to here.</summary>
    public void AllowUpTo(long bytes)
    {
        lock (_gate)
        {
            _allowed = bytes;
            if (_allowed > _awaited)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Nobody will need it any more.</summary>
    public void Cancel()
    {
        lock (_gate)
        {
            _isCancelled = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Whether what lies at <paramref name="offset"/> should be filled now.</summary>
    public bool IsAllowed(long offset)
    {
        lock (_gate)
            return _allowed > offset && !_isCancelled;
    }

    /// <summary>Waits until it should; false when nobody will need it any more.</summary>
    public bool WaitUntilAllowed(long offset)
    {
        lock (_gate)
        {
            _awaited = offset;
            while (_allowed <= offset && !_isCancelled)
                Monitor.Wait(_gate);
            _awaited = long.MaxValue;
            return !_isCancelled;
        }
    }
}
