using Quorate.Node.Driver;
using Quorate.Node.Threading;

namespace Quorate.Concurrency.Tests;

/// <summary>
/// <see cref="ThreadPoolCompletionDispatcher{TOutcome}"/>: the applier and the driver dispatch completions in batches, and continuations
/// run on pool threads.
/// </summary>
public sealed class ThreadPoolCompletionDispatcherTests
{
    [Fact]
    public void Each_caller_receives_its_own_outcome() => CoyoteTestRunner.Explore(300, async () =>
    {
        var dispatcher = new ThreadPoolCompletionDispatcher<int>(new GroupCommitHold(TimeProvider.System, Given.Loop(new WakeSignal())));
        var callers = Callers(5);

        Given.RunConcurrently(
            () =>
            {
                dispatcher.Dispatch([new(callers[0], 0), new(callers[1], 1)]);
                dispatcher.Dispatch([new(callers[2], 2)]);
            },
            () => dispatcher.Dispatch([new(callers[3], 3), new(callers[4], 4)]));

        for (var i = 0; i < callers.Length; i++)
            Assert.Equal(i, await callers[i].Task);
    });

    /// <summary>The worst case: every continuation except the last blocks its thread until the next has run.</summary>
    [Fact]
    public void A_blocking_continuation_does_not_delay_other_completions() => CoyoteTestRunner.Explore(300, async () =>
    {
        var dispatcher = new ThreadPoolCompletionDispatcher<int>(new GroupCommitHold(TimeProvider.System, Given.Loop(new WakeSignal())));
        var callers = Callers(4);
        var goneOn = new Task[callers.Length];
        for (var i = 0; i < callers.Length; i++)
        {
            var next = i + 1 < callers.Length ? callers[i + 1].Task : Task.FromResult(0);
            goneOn[i] = WaitAsync(callers[i].Task, next);
        }

        Given.RunConcurrently(
            () => dispatcher.Dispatch([new(callers[0], 0), new(callers[1], 1)]),
            () => dispatcher.Dispatch([new(callers[2], 2), new(callers[3], 3)]));

        await Task.WhenAll(goneOn);

        static async Task WaitAsync(Task<int> own, Task<int> next)
        {
            await own.ConfigureAwait(false);
            next.GetAwaiter().GetResult();
        }
    });

    private static TaskCompletionSource<int>[] Callers(int count)
    {
        var callers = new TaskCompletionSource<int>[count];
        for (var i = 0; i < count; i++)
            callers[i] = new TaskCompletionSource<int>();
        return callers;
    }
}
