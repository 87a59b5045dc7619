namespace Quorate.Load.Proxy;

/// <summary>Limits a rate: each part is delivered when the parts before it have taken their time. Threading: any thread.</summary>
internal sealed class Pace
{
    /// <summary>Time that has passed without traffic gives no more credit than this; a timer may be late by as much.</summary>
    private static readonly TimeSpan CreditMax = TimeSpan.FromMilliseconds(10);

    private readonly double _bytesPerSecond;
    private readonly TimeProvider _time;
    private readonly long _started;
    private readonly Lock _lock = new();
    private TimeSpan _freeAt;

    /// <param name="bytesPerSecond">The rate; infinity: no limit.</param>
    /// <param name="time">The clock.</param>
    public Pace(double bytesPerSecond, TimeProvider time)
    {
        (_bytesPerSecond, _time) = (bytesPerSecond, time);
        _started = time.GetTimestamp();
    }

    /// <summary>Takes the time of a part, and returns how long to wait before it may be delivered; zero or less: not at all.</summary>
    public TimeSpan Take(int bytes)
    {
        lock (_lock)
        {
            var now = _time.GetElapsedTime(_started);
            var from = _freeAt > now - CreditMax ? _freeAt : now - CreditMax;
            _freeAt = from + TimeSpan.FromSeconds(bytes / _bytesPerSecond);
            return _freeAt - now;
        }
    }
}
