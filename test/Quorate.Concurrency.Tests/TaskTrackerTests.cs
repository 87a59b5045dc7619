using Quorate.Node.Threading;

namespace Quorate.Concurrency.Tests;

/// <summary>
/// <see cref="TaskTracker"/>: the shutdown of the transport waits for all of its tasks, whichever task starts or throws at that moment.
/// </summary>
public sealed class TaskTrackerTests
{
    [Fact]
    public void Drain_waits_for_every_started_task() => CoyoteTestRunner.Explore(300, async () =>
    {
        var (started, ended, faults) = (0, 0, 0);
        var tracker = new TaskTracker(_ => Interlocked.Increment(ref faults));

        var starter = Task.Run(() =>
        {
            for (var i = 0; i < 3; i++)
            {
                if (i == 1 ? tracker.TryRunBlocking(Work) : tracker.TryRun(WorkAsync))
                    Interlocked.Increment(ref started);
            }
        });
        await tracker.DrainAsync();
        var endedByThen = Volatile.Read(ref ended);
        await starter;

        Assert.Equal(started, endedByThen);
        Assert.Equal(started, Volatile.Read(ref ended));
        Assert.Equal(started, faults);

        async Task WorkAsync()
        {
            await Task.Yield();
            Work();
        }

        void Work()
        {
            Interlocked.Increment(ref ended);
            throw new InvalidOperationException("unexpected");
        }
    });
}
