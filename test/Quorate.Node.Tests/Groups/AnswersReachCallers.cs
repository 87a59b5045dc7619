using Quorate.Node.Groups;

namespace Quorate.Node.Tests.Groups;

/// <summary>Callers are told in the pool, many to a piece of work, and none of them can hold up another.</summary>
public sealed class AnswersReachCallers
{
    private readonly PoolAnswers<int> _answers = new(new AnswersFirst(TimeProvider.System, static () => { }));

    [Fact]
    public async Task Each_caller_gets_its_own_outcome_and_goes_on_outside_the_thread_that_gave_it()
    {
        var callers = Callers(1000);
        var giver = Environment.CurrentManagedThreadId;
        var goneOn = callers.Select(caller => caller.Task.ContinueWith(
            told => (told.Result, Environment.CurrentManagedThreadId, Thread.CurrentThread.IsThreadPoolThread),
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default)).ToArray();

        _answers.Give([.. callers.Select((caller, i) => new Answered<int>(caller, i))]);
        var inGive = goneOn.Any(task => task.IsCompleted && task.Result.CurrentManagedThreadId == giver);

        var told = await Task.WhenAll(goneOn);
        Assert.False(inGive);
        Assert.Equal(Enumerable.Range(0, 1000), told.Select(t => t.Result));
        Assert.All(told, t => Assert.True(t.IsThreadPoolThread));
    }

    /// <summary>The worst that callers can do to each other: each but the last blocks its thread until the next has been told.</summary>
    [Fact]
    public async Task A_caller_who_blocks_until_the_next_is_told_holds_up_nobody()
    {
        var callers = Callers(8);
        var goneOn = callers.Zip(callers.Skip(1), (caller, next) => WaitAsync(caller.Task, next.Task)).ToArray();

        _answers.Give([.. callers.Select((caller, i) => new Answered<int>(caller, i))]);

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
    public async Task Answers_given_while_others_are_told_are_told_too()
    {
        var callers = Callers(200_000);
        await Task.WhenAll(callers.Chunk(1000).Select(chunk => Task.Run(() =>
        {
            foreach (var caller in chunk)
                _answers.Give([new Answered<int>(caller, 1)]);
        })));

        await Task.WhenAll(callers.Select(caller => caller.Task)).WaitAsync(TimeSpan.FromSeconds(60));
    }

    private static TaskCompletionSource<int>[] Callers(int count) => [.. Enumerable.Range(0, count).Select(_ => new TaskCompletionSource<int>())];
}
