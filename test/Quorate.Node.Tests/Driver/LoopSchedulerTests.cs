using Quorate.Node.Driver;

namespace Quorate.Node.Tests.Driver;

/// <summary>Turns are taken one at a time, after each piece of news, by whoever brings it or by the group's own thread.</summary>
public sealed class LoopSchedulerTests
{
    private readonly TaskCompletionSource<Exception?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task Every_signal_is_followed_by_an_iteration_and_iterations_never_overlap()
    {
        const int Threads = 6;
        const int NewsOfEach = 20_000;
        var news = 0;
        var seen = 0;
        var inside = 0;
        var overlaps = 0;
        var turns = CreateScheduler(() =>
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
                        turns.Signal();
                    else
                        turns.TryRunInline();
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
    public async Task The_notifying_thread_runs_one_iteration_and_leaves_the_next_to_the_loop_thread()
    {
        var takenBy = new List<string?>();
        LoopScheduler? turns = null;
        turns = CreateScheduler(() =>
        {
            lock (takenBy)
                takenBy.Add(Thread.CurrentThread.Name);
            if (Thread.CurrentThread.Name == "bringer")
                turns!.TryRunInline();
        });
        turns.Start();
        await UntilAsync(1);

        var bringer = new Thread(turns.TryRunInline) { Name = "bringer" };
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
    public async Task An_iteration_that_throws_is_the_last()
    {
        var taken = 0;
        var turns = CreateScheduler(() =>
        {
            Interlocked.Increment(ref taken);
            if (Thread.CurrentThread.Name == "bringer")
                throw new IOException("the disk is gone");
        });
        turns.Start();

        var bringer = new Thread(turns.TryRunInline) { Name = "bringer" };
        while (!_ended.Task.IsCompleted)
        {
            bringer = new Thread(turns.TryRunInline) { Name = "bringer" };
            bringer.Start();
            bringer.Join();
            await Task.Yield();
        }

        var last = taken;
        turns.TryRunInline();
        turns.Signal();
        turns.Stop();
        turns.Dispose();
        Assert.IsType<IOException>(await _ended.Task);
        Assert.Equal(last, taken);
    }

    private LoopScheduler CreateScheduler(Action runOnce) =>
        new("group", runOnce, new TickClock(TimeProvider.System, TimeSpan.FromHours(1), ticksAtOnceMax: 1), _ended.SetResult);
}
