using Quorate.Node.Groups;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="PoolAnswers{TOutcome}"/>: the applier and the loop give outcomes by the batch, callers go on where they are told.</summary>
public sealed class AnswersInThePool
{
    [Fact]
    public void Each_caller_is_told_its_own_outcome() => Schedules.Explore(300, async () =>
    {
        var answers = new PoolAnswers<int>(new AnswersFirst(TimeProvider.System, static () => { }));
        var callers = Callers(5);

        Given.Together(
            () =>
            {
                answers.Give([new(callers[0], 0), new(callers[1], 1)]);
                answers.Give([new(callers[2], 2)]);
            },
            () => answers.Give([new(callers[3], 3), new(callers[4], 4)]));

        for (var i = 0; i < callers.Length; i++)
            Assert.Equal(i, await callers[i].Task);
    });

    /// <summary>The worst that callers can do to each other: each but the last keeps its thread until the next has gone on.</summary>
    [Fact]
    public void A_caller_who_blocks_until_the_next_is_told_holds_up_nobody() => Schedules.Explore(300, async () =>
    {
        var answers = new PoolAnswers<int>(new AnswersFirst(TimeProvider.System, static () => { }));
        var callers = Callers(4);
        var goneOn = new Task[callers.Length];
        for (var i = 0; i < callers.Length; i++)
        {
            var next = i + 1 < callers.Length ? callers[i + 1].Task : Task.FromResult(0);
            goneOn[i] = WaitAsync(callers[i].Task, next);
        }

        Given.Together(
            () => answers.Give([new(callers[0], 0), new(callers[1], 1)]),
            () => answers.Give([new(callers[2], 2), new(callers[3], 3)]));

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
