using Quorate.Node.Threading;

namespace Quorate.Node.Tests.Threading;

/// <summary>Iterations run one at a time, after each signal, on the notifying thread or on the loop thread.</summary>
public sealed class LoopSchedulerTests
{
    private readonly TaskCompletionSource<Exception?> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    [Fact]
    public async Task Every_signal_is_followed_by_an_iteration_and_iterations_never_overlap()
    {
        const int Threads = 6;
        const int SignalsPerThread = 20_000;
        var signals = 0;
        var seen = 0;
        var inside = 0;
        var overlaps = 0;
        var scheduler = new LoopScheduler("group");
        Start(scheduler, () =>
        {
            overlaps += Interlocked.Increment(ref inside) - 1;
            seen = Volatile.Read(ref signals);
            Interlocked.Decrement(ref inside);
        });

        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < SignalsPerThread; i++)
                {
                    Interlocked.Increment(ref signals);
                    if (thread % 3 == 0)
                        scheduler.Signal();
                    else
                        scheduler.TryRunInline();
                }
            },
            TaskCreationOptions.LongRunning)));

        // The clock has no tick within an hour, so a signal that is not handled now is never handled.
        Assert.True(SpinWait.SpinUntil(() => Volatile.Read(ref seen) == Threads * SignalsPerThread, TimeSpan.FromSeconds(30)),
            $"{seen} of {Threads * SignalsPerThread}");
        scheduler.Stop();
        scheduler.Dispose();
        Assert.Equal(0, overlaps);
        Assert.Null(await _ended.Task);
    }

    [Fact]
    public async Task The_notifying_thread_runs_one_iteration_and_leaves_the_next_to_the_loop_thread()
    {
        var takenBy = new List<string?>();
        var scheduler = new LoopScheduler("group");
        Start(scheduler, () =>
        {
            lock (takenBy)
                takenBy.Add(Thread.CurrentThread.Name);
            if (Thread.CurrentThread.Name == "notifier")
                scheduler.TryRunInline();
        });
        await UntilAsync(1);

        var notifier = new Thread(scheduler.TryRunInline) { Name = "notifier" };
        notifier.Start();
        notifier.Join();

        await UntilAsync(3);
        scheduler.Stop();
        scheduler.Dispose();
        Assert.Equal(["group", "notifier", "group"], takenBy);

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

            Assert.Fail($"fewer than {count} iterations ran");
        }
    }

    [Fact]
    public async Task An_iteration_that_throws_is_the_last()
    {
        var taken = 0;
        var scheduler = new LoopScheduler("group");
        Start(scheduler, () =>
        {
            Interlocked.Increment(ref taken);
            if (Thread.CurrentThread.Name == "notifier")
                throw new IOException("the disk failed");
        });

        var notifier = new Thread(scheduler.TryRunInline) { Name = "notifier" };
        while (!_ended.Task.IsCompleted)
        {
            notifier = new Thread(scheduler.TryRunInline) { Name = "notifier" };
            notifier.Start();
            notifier.Join();
            await Task.Yield();
        }

        var last = taken;
        scheduler.TryRunInline();
        scheduler.Signal();
        scheduler.Stop();
        scheduler.Dispose();
        Assert.IsType<IOException>(await _ended.Task);
        Assert.Equal(last, taken);
    }

    private void Start(LoopScheduler scheduler, Action runOnce) =>
        scheduler.Start(runOnce, static () => TimeSpan.FromHours(1), _ended.SetResult);
}
