namespace Quorate.Node.Transport;

/// <summary>Allows one log event per second.</summary>
internal sealed class LogMessageThrottle(TimeProvider time)
{
    private readonly Lock _gate = new();
    private long? _last;

    public bool ShouldLog()
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            if (_last is { } last && time.GetElapsedTime(last, now) < TimeSpan.FromSeconds(1))
                return false;
            _last = now;
            return true;
        }
    }
}
