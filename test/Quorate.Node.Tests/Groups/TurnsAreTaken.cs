using Quorate.Node.Groups;

namespace Quorate.Node.Tests.Groups;

/// <summary>Turns are taken one at a time, after each piece of news, by whoever brings it or by the group's own thread.</summary>
public sealed class TurnsAreTaken
{
    private readonly TaskCompletionSource<Exception?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task Every_piece_of_news_is_followed_by_a_turn_and_turns_exclude_each_other()
    {
        const int Threads = 6;
        const int NewsOfEach = 20_000;
        var news = 0;
        var seen = 0;
        var inside = 0;
        var overlaps = 0;
        var turns = Taker(() =>
        {
            overlaps += Interlocked.Increment(ref inside) - 1;
            seen = Volatile.Read(ref news);
            Interlocked.Decrement(ref inside);
        });
        turns.Start();

        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < NewsOfEach; i++)
                {
                    Interlocked.Increment(ref news);
                    if (thread % 3 == 0)
                        turns.Wake();
                    else
                        turns.TakeOrLeave();
                }
            },
            TaskCreationOptions.LongRunning)));

        // The clock of these turns has no tick within an hour: what is not seen now is never seen.
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref seen) == Threads * NewsOfEach, TimeSpan.FromSeconds(30)), $"{seen} of {Threads * NewsOfEach}");
        turns.Stop();
        turns.Dispose();
        Assert.Equal(0, overlaps);
        Assert.Null(await _ended.Task);
    }

    [Fact]
    public async Task Who_brings_news_takes_one_turn_and_leaves_what_comes_meanwhile_to_the_groups_own_thread()
    {
        var takenBy = new List<string?>();
        TurnTaker? turns = null;
        turns = Taker(() =>
        {
            lock (takenBy)
                takenBy.Add(Thread.CurrentThread.Name);
            if (Thread.CurrentThread.Name == "bringer")
                turns!.TakeOrLeave();
        });
        turns.Start();
        await UntilAsync(1);

        var bringer = new Thread(turns.TakeOrLeave) { Name = "bringer" };
        bringer.Start();
        bringer.Join();

        await UntilAsync(3);
        turns.Stop();
        turns.Dispose();
        Assert.Equal(["group", "bringer", "group"], takenBy);

        async Task UntilAsync(int count)
        {
            for (var i = 0; i < 3000; i++)
            {
                lock (takenBy)
                {
                    if (takenBy.Count >= count)
                        return;
                }

                await Task.Delay(10);
            }

            Assert.Fail($"no {count} turns");
        }
    }

    [Fact]
    public async Task A_turn_that_throws_is_the_last_whoever_took_it()
    {
        var taken = 0;
        var turns = Taker(() =>
        {
            Interlocked.Increment(ref taken);
            if (Thread.CurrentThread.Name == "bringer")
                throw new IOException("the disk is gone");
        });
        turns.Start();

        var bringer = new Thread(turns.TakeOrLeave) { Name = "bringer" };
        while (!_ended.Task.IsCompleted)
        {
            bringer = new Thread(turns.TakeOrLeave) { Name = "bringer" };
            bringer.Start();
            bringer.Join();
            await Task.Yield();
        }

        var last = taken;
        turns.TakeOrLeave();
        turns.Wake();
        turns.Stop();
        turns.Dispose();
        Assert.IsType<IOException>(await _ended.Task);
        Assert.Equal(last, taken);
    }

    private TurnTaker Taker(Action turn) =>
        new("group", turn, new TickClock(TimeProvider.System, TimeSpan.FromHours(1), ticksAtOnceMax: 1), _ended.SetResult);
}
