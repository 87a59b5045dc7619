namespace Quorate.Node.Wal;

/// <summary>Limits how far the next segment is filled: the writing thread raises the limit, the filling thread waits for it.</summary>
/// <remarks>
/// <code>
///   current  ├──── used ─────────────┤        │
///   next     ├──── filled ────────┤           │        limit: 0 at 1/8 used, all at 7/8 used
/// </code>
/// Filling doubles the bytes written: each byte of a segment is written once to fill it and once by an append. Filling a segment all at
/// once would delay the flush of every append in the meantime, so filling keeps pace with the appends.
/// </remarks>
internal sealed class PreallocationThrottle
{
    private readonly object _gate = new();
    private long _allowed;
    private long _awaited = long.MaxValue;
    private bool _isCancelled;

    /// <summary>A throttle without a limit: fills the whole segment at once.</summary>
    public static PreallocationThrottle Unlimited => new() { _allowed = long.MaxValue };

    /// <summary>Allows filling up to this offset.</summary>
    public void AllowUpTo(long bytes)
    {
        lock (_gate)
        {
            _allowed = bytes;
            if (_allowed > _awaited)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Cancels the filling; the segment is no longer needed.</summary>
    public void Cancel()
    {
        lock (_gate)
        {
            _isCancelled = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Whether the bytes at <paramref name="offset"/> may be filled now.</summary>
    public bool IsAllowed(long offset)
    {
        lock (_gate)
            return _allowed > offset && !_isCancelled;
    }

    /// <summary>Blocks until the bytes at <paramref name="offset"/> may be filled; returns false when the filling was cancelled.</summary>
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
