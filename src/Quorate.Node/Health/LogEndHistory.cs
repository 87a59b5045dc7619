using Quorate.Raft;

namespace Quorate.Node.Health;

/// <summary>The last index of a leader's log at past times, from which the age of what a member lacks follows.</summary>
internal sealed class LogEndHistory(TimeProvider time)
{
    /// <summary>With the default heartbeat interval, a history of 25 s; a member that is further behind lacks "at least" that.</summary>
    private const int SamplesMax = 256;

    private readonly Queue<(LogIndex Last, long At)> _samples = new();

    public void Clear() => _samples.Clear();

    public void Add(LogIndex last, long now)
    {
        if (_samples.Count == SamplesMax)
            _samples.Dequeue();
        _samples.Enqueue((last, now));
    }

    /// <summary>Returns for at least how long the log has had an entry after <paramref name="match"/>.</summary>
    public TimeSpan LagOf(LogIndex match, long now)
    {
        foreach (var (last, at) in _samples)
        {
            if (last > match)
                return time.GetElapsedTime(at, now);
        }

        return TimeSpan.Zero;
    }
}
