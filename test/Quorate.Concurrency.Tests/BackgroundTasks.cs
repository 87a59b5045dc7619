using Quorate.Node.Transport;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="Background"/>: the end of the transport waits for all of its tasks, whoever starts or throws at that moment.</summary>
public sealed class BackgroundTasks
{
    [Fact]
    public void The_end_comes_after_all_that_was_started_and_nothing_is_started_after_it() => Schedules.Explore(300, async () =>
    {
        var (started, ended, faults) = (0, 0, 0);
        var background = new Background(_ => Interlocked.Increment(ref faults));

        var starter = Task.Run(() =>
        {
            for (var i = 0; i < 3; i++)
            {
                if (i == 1 ? background.TryRunBlocking(Work) : background.TryRun(WorkAsync))
                    Interlocked.Increment(ref started);
            }
        });
        await background.DrainAsync();
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
