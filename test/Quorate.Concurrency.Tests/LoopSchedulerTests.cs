using Quorate.Node.Threading;

namespace Quorate.Concurrency.Tests;

/// <summary>
/// <see cref="LoopScheduler"/>: threads signal changes and run iterations, the loop thread runs those that remain. Its clock stands still.
/// </summary>
public sealed class LoopSchedulerTests
{
    [Fact]
    public void Every_signal_is_followed_by_an_iteration_and_iterations_never_overlap() => CoyoteTestRunner.Explore(300, () =>
    {
        const int All = 5;
        var (changes, seen) = (0, 0);
        var allSeen = new WakeSignal();
        using var harness = new Harness((_, _) =>
        {
            seen = Volatile.Read(ref changes);
            if (seen == All)
                allSeen.Set();
        });

        // Some changes are signalled before the scheduler starts.
        Given.RunConcurrently(
            harness.Start,
            () => Notify(2, harness.Scheduler.TryRunInline),
            () => Notify(2, harness.Scheduler.TryRunInline),
            () => Notify(1, harness.Scheduler.Signal));
        allSeen.Wait();
        harness.Scheduler.Stop();

        Assert.Equal(All, seen);
        harness.Check(fault: null);

        void Notify(int count, Action notify)
        {
            for (var i = 0; i < count; i++)
            {
                Interlocked.Increment(ref changes);
                notify();
            }
        }
    });

    [Fact]
    public void No_iteration_runs_after_the_stop() => CoyoteTestRunner.Explore(300, () =>
    {
        using var harness = new Harness((_, _) => { });
        harness.Start();

        Given.RunConcurrently(
            harness.NotifyTwice,
            harness.NotifyTwice,
            () =>
            {
                harness.Scheduler.Stop();
                harness.Check(fault: null);
            });

        harness.Check(fault: null);
    });

    [Fact]
    public void An_iteration_that_throws_is_the_last() => CoyoteTestRunner.Explore(300, () =>
    {
        var fault = new IOException("the disk failed");
        using var harness = new Harness((harness, number) =>
        {
            if (number == 2)
                throw fault;
        });
        harness.Start();

        Given.RunConcurrently(harness.NotifyTwice, harness.NotifyTwice, () => harness.Ended.Wait());

        Assert.Equal(2, harness.Taken);
        harness.Scheduler.Stop();
        harness.Check(fault);
    });

    /// <summary>
    /// While an iteration runs, a tick that it has not processed yet stays due: a thread that waits by the clock then does not sleep at
    /// all.
    /// </summary>
    [Fact]
    public void The_loop_thread_sleeps_while_another_thread_runs_an_iteration() => CoyoteTestRunner.Explore(300, () =>
    {
        var clockReads = 0;
        using var harness = new Harness((harness, number) =>
        {
            if (number != 2)
                return;
            var before = harness.Time.Reads;
            harness.Time.Now = 1;
            harness.Scheduler.Signal();
            for (var i = 0; i < 50; i++)
                clockReads = harness.Time.Reads - before;
            harness.Clock.TakeTicks();
        });
        harness.Start();

        Given.RunConcurrently(harness.NotifyTwice);
        harness.Scheduler.Stop();

        Assert.True(clockReads <= 1, $"{clockReads} reads of the clock");
        harness.Check(fault: null);
    });

    private sealed class Harness : IDisposable
    {
        private readonly Action<Harness, int> _runOnce;
        private int _inside;
        private int _overlaps;
        private int _taken;
        private int _ends;
        private int _takenAtTheEnd;
        private Exception? _fault;

        public Harness(Action<Harness, int> runOnce)
        {
            _runOnce = runOnce;
            Clock = new TickClock(Time, TimeSpan.FromSeconds(1), ticksAtOnceMax: 1);
            Scheduler = new LoopScheduler("group");
        }

        public ManualClock Time { get; } = new();

        public TickClock Clock { get; }

        public LoopScheduler Scheduler { get; }

        public WakeSignal Ended { get; } = new();

        public int Taken => Volatile.Read(ref _taken);

        public void Start() => Scheduler.Start(RunOnce, () => Clock.UntilNext, OnEnded);

        public void NotifyTwice()
        {
            Scheduler.TryRunInline();
            Scheduler.TryRunInline();
        }

        /// <summary>Checks that the end was reported once, and that no iteration ran after it or concurrently with another.</summary>
        public void Check(Exception? fault)
        {
            Assert.Equal(1, Volatile.Read(ref _ends));
            Assert.Equal(_takenAtTheEnd, Taken);
            Assert.Equal(0, _overlaps);
            Assert.Same(fault, _fault);
        }

        public void Dispose() => Scheduler.Dispose();

        private void RunOnce()
        {
            if (Interlocked.Increment(ref _inside) != 1)
                Interlocked.Increment(ref _overlaps);
            try
            {
                _runOnce(this, Interlocked.Increment(ref _taken));
            }
            finally
            {
                Interlocked.Decrement(ref _inside);
            }
        }

        private void OnEnded(Exception? fault)
        {
            _takenAtTheEnd = Taken;
            _overlaps += Volatile.Read(ref _inside);
            _fault = fault;
            Interlocked.Increment(ref _ends);
            Ended.Set();
        }
    }

    private sealed class ManualClock : TimeProvider
    {
        private int _looks;
        private int _now;

        public int Reads => Volatile.Read(ref _looks);

        public int Now
        {
            set => Volatile.Write(ref _now, value);
        }

        public override long TimestampFrequency => 1;

        public override long GetTimestamp()
        {
            Interlocked.Increment(ref _looks);
            return Volatile.Read(ref _now);
        }
    }
}
