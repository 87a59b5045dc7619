using Quorate.Raft;

namespace Quorate.Node.Health;

/// <summary>Measures how long a member takes to acknowledge, for one entry at a time.</summary>
internal sealed class AcknowledgementTimer
{
    private readonly SmoothedDuration _smoothed = new();
    private LogIndex _entry;
    private long _since;

    public void Observe(LogIndex last, LogIndex match, TimeProvider time, long now)
    {
        if (_entry != LogIndex.Zero && match >= _entry)
        {
            _smoothed.Add(time.GetElapsedTime(_since, now), now);
            _entry = LogIndex.Zero;
        }

        if (_entry == LogIndex.Zero && last > match)
            (_entry, _since) = (last, now);
    }

    /// <summary>Returns the smoothed duration, or that of the entry that is still not acknowledged, if it is longer.</summary>
    public TimeSpan? Read(TimeProvider time, long now, TimeSpan ageMax)
    {
        var waiting = _entry != LogIndex.Zero ? time.GetElapsedTime(_since, now) : TimeSpan.Zero;
        return _smoothed.Read(time, now, ageMax) is { } smoothed ? (smoothed > waiting ? smoothed : waiting)
            : waiting > TimeSpan.Zero ? waiting
            : null;
    }
}
