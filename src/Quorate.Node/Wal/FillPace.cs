namespace Quorate.Node.Wal;

/// <summary>How far the next segment should be filled by now: one thread says, another fills and waits.</summary>
/// <remarks>
/// <code>
///   present  ├──── used ─────────────┤        │
///   next     ├──── filled ────────┤           │        wanted: a little ahead
/// </code>
/// In step with the writes, because it is as many bytes again as the log is given: filled in one go, they would stand before the flush of every write of that moment.
/// </remarks>
internal sealed class FillPace
{
    private readonly object _gate = new();
    private long _wanted;
    private long _awaited = long.MaxValue;
    private bool _isGivenUp;

    /// <summary>All of it, at once.</summary>
    public static FillPace Full => new() { _wanted = long.MaxValue };

    /// <summary>It should be filled up to here.</summary>
    public void WantUpTo(long bytes)
    {
        lock (_gate)
        {
            _wanted = bytes;
            if (_wanted > _awaited)
                Monitor.Pulse(_gate);
        }
    }

    /// <summary>Nobody will need it any more.</summary>
    public void GiveUp()
    {
        lock (_gate)
        {
            _isGivenUp = true;
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Whether what lies at <paramref name="offset"/> should be filled now.</summary>
    public bool IsWanted(long offset)
    {
        lock (_gate)
            return _wanted > offset && !_isGivenUp;
    }

    /// <summary>Waits until it should; false when nobody will need it any more.</summary>
    public bool WaitUntilWanted(long offset)
    {
        lock (_gate)
        {
            _awaited = offset;
            while (_wanted <= offset && !_isGivenUp)
                Monitor.Wait(_gate);
            _awaited = long.MaxValue;
            return !_isGivenUp;
        }
    }
}
