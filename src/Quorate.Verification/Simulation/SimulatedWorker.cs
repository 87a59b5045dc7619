using Quorate.Node.Threading;

namespace Quorate.Verification.Simulation;

/// <summary>
/// A worker thread of a simulated process: it runs posted work items one after another in virtual time, each after a latency.
/// </summary>
internal sealed class SimulatedWorker(VirtualTime time, Action onEffect, Action<Action> run, Func<long> latency) : IWorker
{
    private long _freeAt;

    /// <summary>The time until which the worker is stalled.</summary>
    public long StalledUntil { get; private set; }

    public void Post(Action work)
    {
        onEffect();
        _freeAt = Math.Max(_freeAt, time.Now) + latency();
        time.ScheduleAt(_freeAt, () => run(work));
    }

    /// <summary>Stalls the worker: work items that are posted from now on do not run before a time.</summary>
    public void StallUntil(long moment)
    {
        _freeAt = Math.Max(_freeAt, moment);
        StalledUntil = Math.Max(StalledUntil, moment);
    }
}
