namespace Quorate.Verification.Simulation;

/// <summary>What is to happen, and when, in microseconds since the world began. What is due at one moment happens in the order it was asked for.</summary>
internal sealed class VirtualTime
{
    public const long Millisecond = 1_000;
    public const long Second = 1_000_000;

    /// <summary>Later than anything that happens, and so early that spans can be added to it.</summary>
    public const long Never = long.MaxValue / 2;

    private readonly EventQueue _queue = new();

    /// <summary>The moment it is.</summary>
    public long Now { get; private set; }

    /// <summary>How much has happened.</summary>
    public long Events { get; private set; }

    /// <summary>Has something happen at a moment, or at once if that has passed.</summary>
    public void ScheduleAt(long dueTime, Action callback) => _queue.Enqueue(Math.Max(dueTime, Now), callback);

    /// <summary>Has something happen after a span.</summary>
    public void ScheduleAfter(long delay, Action callback) => ScheduleAt(Now + delay, callback);

    /// <summary>Lets time pass up to a moment, or until something is so.</summary>
    /// <returns>Whether it became so; false when there is nothing to wait for.</returns>
    public bool Run(long until, Func<bool>? done = null)
    {
        while (_queue.NextDueTime <= until)
        {
            Now = _queue.NextDueTime;
            var callback = _queue.Dequeue();
            Events++;
            callback();
            if (done is not null && done())
                return true;
        }

        Now = Math.Max(Now, until);
        return false;
    }
}
