using Quorate.Server.Replication;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="RevisionSignal"/>: a watcher that takes the next signal before it reads the store misses no revision.</summary>
public sealed class RevisionSignalTests
{
    [Fact]
    public void Every_watcher_observes_the_last_revision() => CoyoteTestRunner.Explore(300, async () =>
    {
        var signal = new RevisionSignal();
        var revision = 0;
        var watchers = new[] { WatchAsync(), WatchAsync() };

        for (var next = 1; next <= 3; next++)
        {
            Volatile.Write(ref revision, next);
            signal.Pulse();
        }

        await Task.WhenAll(watchers);

        Task WatchAsync() => Task.Run(async () =>
        {
            while (true)
            {
                var news = signal.Next();
                if (Volatile.Read(ref revision) == 3)
                    return;
                await news;
            }
        });
    });
}
