namespace Quorate.Verification.Simulation;

/// <summary>
/// Virtual time in microseconds since the start of the run, and the events scheduled in it. Events with the same due time run in the order
/// in which they were scheduled.
/// </summary>
internal sealed class VirtualTime
{
    public const long Millisecond = 1_000;
    public const long Second = 1_000_000;

    /// <summary>A time later than any event, yet small enough that durations can be added to it without overflow.</summary>
    public const long Never = long.MaxValue / 2;

    private readonly EventQueue _queue = new();

    /// <summary>The current virtual time.</summary>
    public long Now { get; private set; }

    /// <summary>The number of events that have run.</summary>
    public long Events { get; private set; }

    /// <summary>Schedules a callback at a time, or now if that time has passed.</summary>
    public void ScheduleAt(long dueTime, Action callback) => _queue.Enqueue(Math.Max(dueTime, Now), callback);

    /// <summary>Schedules a callback after a delay.</summary>
    public void ScheduleAfter(long delay, Action callback) => ScheduleAt(Now + delay, callback);

    /// <summary>Runs events up to a time, or until a condition holds after one of them.</summary>
    /// <returns>Whether the condition came to hold; false when there is no condition.</returns>
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
