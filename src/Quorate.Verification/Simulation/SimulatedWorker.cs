using Quorate.Node.Driver;

namespace Quorate.Verification.Simulation;

/// <summary>One of a process's threads, as a place in virtual time: it does one piece of work after another, each after a while.</summary>
internal sealed class SimulatedWorker(VirtualTime time, Action onEffect, Action<Action> run, Func<long> latency) : IWorker
{
    private long _freeAt;

    public void Post(Action work)
    {
        onEffect();
        _freeAt = Math.Max(_freeAt, time.Now) + latency();
        time.ScheduleAt(_freeAt, () => run(work));
    }

    /// <summary>Whatever it does next is not begun before then.</summary>
    public void StallUntil(long moment) => _freeAt = Math.Max(_freeAt, moment);
}
