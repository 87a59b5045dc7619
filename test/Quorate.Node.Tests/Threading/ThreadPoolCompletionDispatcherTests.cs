using Quorate.Node.Threading;

namespace Quorate.Node.Tests.Threading;

/// <summary>Continuations run on the thread pool, several per work item, and none of them delays another.</summary>
public sealed class ThreadPoolCompletionDispatcherTests
{
    private readonly ThreadPoolCompletionDispatcher<int> _dispatcher = new(new NoHold());

    [Fact]
    public async Task Each_continuation_gets_its_own_outcome_and_runs_on_a_pool_thread()
    {
        var callers = Callers(1000);
        var dispatchingThread = Environment.CurrentManagedThreadId;
        var continuations = callers.Select(caller => caller.Task.ContinueWith(
            completed => (completed.Result, Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default)).ToArray();

        _dispatcher.Dispatch([.. callers.Select((caller, i) => new Completion<int>(caller, i))]);
        var ranInline = continuations.Any(task => task.IsCompleted && task.Result.CurrentManagedThreadId == dispatchingThread);

        var completed = await Task.WhenAll(continuations);
        Assert.False(ranInline);
        Assert.Equal(Enumerable.Range(0, 1000), completed.Select(t => t.Result));
        Assert.All(completed, t => Assert.True(t.IsThreadPoolThread));
    }

    /// <summary>The worst case: every continuation except the last blocks its thread until the next has run.</summary>
    [Fact]
    public async Task A_blocking_continuation_does_not_delay_other_completions()
    {
        var callers = Callers(8);
        var continuations = callers.Zip(callers.Skip(1), (caller, next) => WaitAsync(caller.Task, next.Task)).ToArray();

        _dispatcher.Dispatch([.. callers.Select((caller, i) => new Completion<int>(caller, i))]);

        await Task.WhenAll(continuations).WaitAsync(TimeSpan.FromSeconds(60));

        static async Task WaitAsync(Task<int> own, Task next)
        {
            await own.ConfigureAwait(false);
            using var completed = new ManualResetEventSlim();
            _ = next.ContinueWith(_ => completed.Set(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously,
                TaskScheduler.Default);
            completed.Wait();
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

    private static TaskCompletionSource<int>[] Callers(int count) =>
        [.. Enumerable.Range(0, count).Select(_ => new TaskCompletionSource<int>())];

    private sealed class NoHold : IPendingCompletionsObserver
    {
        public bool IsAwaited => false;

        public void SetPendingCompletions(int count)
        {
        }
    }
}
