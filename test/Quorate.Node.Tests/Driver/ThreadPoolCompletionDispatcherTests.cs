using Quorate.Node.Driver;

namespace Quorate.Node.Tests.Driver;

/// <summary>Callers are told in the pool, many to a piece of work, and none of them can hold up another.</summary>
public sealed class ThreadPoolCompletionDispatcherTests
{
    private readonly ThreadPoolCompletionDispatcher<int> _dispatcher = new(new GroupCommitHold(TimeProvider.System, static () => { }));

    [Fact]
    public async Task Each_continuation_gets_its_own_outcome_and_runs_on_a_pool_thread()
    {
        var callers = Callers(1000);
        var giver = Environment.CurrentManagedThreadId;
        var goneOn = callers.Select(caller => caller.Task.ContinueWith(
            told => (told.Result, Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default)).ToArray();

        _dispatcher.Dispatch([.. callers.Select((caller, i) => new Completion<int>(caller, i))]);
        var inGive = goneOn.Any(task => task.IsCompleted && task.Result.CurrentManagedThreadId == giver);

        var told = await Task.WhenAll(goneOn);
        Assert.False(inGive);
        Assert.Equal(Enumerable.Range(0, 1000), told.Select(t => t.Result));
        Assert.All(told, t => Assert.True(t.IsThreadPoolThread));
    }

    /// <summary>The worst that callers can do to each other: each but the last blocks its thread until the next has been told.</summary>
    [Fact]
    public async Task A_blocking_continuation_does_not_delay_other_completions()
    {
        var callers = Callers(8);
        var goneOn = callers.Zip(callers.Skip(1), (caller, next) => WaitAsync(caller.Task, next.Task)).ToArray();

        _dispatcher.Dispatch([.. callers.Select((caller, i) => new Completion<int>(caller, i))]);

        await Task.WhenAll(goneOn).WaitAsync(TimeSpan.FromSeconds(60));

        static async Task WaitAsync(Task<int> own, Task next)
        {
            await own.ConfigureAwait(false);
            using var told = new ManualResetEventSlim();
            _ = next.ContinueWith(_ => told.Set(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            told.Wait();
        }
    }

    [Fact]
    public async Task Completions_dispatched_concurrently_all_arrive()
    {
        var callers = Callers(200_000);
        await Task.WhenAll(callers.Chunk(1000).Select(chunk => Task.Run(() =>
        {
            foreach (var caller in chunk)
                _dispatcher.Dispatch([new Completion<int>(caller, 1)]);
        })));

        await Task.WhenAll(callers.Select(caller => caller.Task)).WaitAsync(TimeSpan.FromSeconds(60));
    }

    private static TaskCompletionSource<int>[] Callers(int count) => [.. Enumerable.Range(0, count).Select(_ => new TaskCompletionSource<int>())];
}
