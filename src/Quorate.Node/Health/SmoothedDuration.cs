namespace Quorate.Node.Health;

/// <summary>An exponentially smoothed duration. Threading: one thread adds; any thread reads.</summary>
internal sealed class SmoothedDuration
{
    /// <summary>A duration counts for one eighth: a single slow flush is no slow disk.</summary>
    private const double Weight = 1.0 / 8;

    private double _seconds = double.NaN;
    private long _at;

    public void Add(TimeSpan duration, long now)
    {
        var before = Volatile.Read(ref _seconds) is var seconds && double.IsNaN(seconds) ? 0 : seconds;
        Volatile.Write(ref _seconds, before + (Weight * (duration.TotalSeconds - before)));
        Volatile.Write(ref _at, now);
    }

    public TimeSpan? Read(TimeProvider time, long now, TimeSpan ageMax)
    {
        var seconds = Volatile.Read(ref _seconds);
        return double.IsNaN(seconds) || time.GetElapsedTime(Volatile.Read(ref _at), now) > ageMax ? null : TimeSpan.FromSeconds(seconds);
    }
}
