using Quorate.Node.Driver;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="LoopScheduler"/>: threads bring news and take turns, the group's own thread takes those that are left. Its clock stands still.</summary>
public sealed class LoopSchedulerTests
{
    [Fact]
    public void Every_signal_is_followed_by_an_iteration_and_iterations_never_overlap() => Schedules.Explore(300, () =>
    {
        const int All = 5;
        var (news, seen) = (0, 0);
        var allSeen = new WakeSignal();
        using var bench = new Harness((_, _) =>
        {
            seen = Volatile.Read(ref news);
            if (seen == All)
                allSeen.Set();
        });

        // Some of it is brought before there are turns.
        Given.RunConcurrently(
            bench.Scheduler.Start,
            () => Bring(2, bench.Scheduler.TryRunInline),
            () => Bring(2, bench.Scheduler.TryRunInline),
            () => Bring(1, bench.Scheduler.Signal));
        allSeen.Wait();
        bench.Scheduler.Stop();

        Assert.Equal(All, seen);
        bench.Check(fault: null);

        void Bring(int count, Action tell)
        {
            for (var i = 0; i < count; i++)
            {
                Interlocked.Increment(ref news);
                tell();
            }
        }
    });

    [Fact]
    public void No_iteration_runs_after_the_stop() => Schedules.Explore(300, () =>
    {
        using var bench = new Harness((_, _) => { });
        bench.Scheduler.Start();

        Given.RunConcurrently(
            bench.NotifyTwice,
            bench.NotifyTwice,
            () =>
            {
                bench.Scheduler.Stop();
                bench.Check(fault: null);
            });

        bench.Check(fault: null);
    });

    [Fact]
    public void An_iteration_that_throws_is_the_last() => Schedules.Explore(300, () =>
    {
        var fault = new IOException("the disk is gone");
        using var bench = new Harness((bench, number) =>
        {
            if (number == 2)
                throw fault;
        });
        bench.Scheduler.Start();

        Given.RunConcurrently(bench.NotifyTwice, bench.NotifyTwice, () => bench.Ended.Wait());

        Assert.Equal(2, bench.Taken);
        bench.Scheduler.Stop();
        bench.Check(fault);
    });

    /// <summary>While a turn is being taken the tick that it has not seen yet stays due: whoever waits by the clock then does not sleep at all.</summary>
    [Fact]
    public void The_loop_thread_sleeps_while_another_thread_runs_an_iteration() => Schedules.Explore(300, () =>
    {
        var looks = 0;
        using var bench = new Harness((bench, number) =>
        {
            if (number != 2)
                return;
            var before = bench.Time.Reads;
            bench.Time.Now = 1;
            bench.Scheduler.Signal();
            for (var i = 0; i < 50; i++)
                looks = bench.Time.Reads - before;
            bench.Clock.TakeTicks();
        });
        bench.Scheduler.Start();

        Given.RunConcurrently(bench.NotifyTwice);
        bench.Scheduler.Stop();

        Assert.True(looks <= 1, $"{looks} looks at the clock");
        bench.Check(fault: null);
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
            Scheduler = new LoopScheduler("group", RunOnce, Clock, OnEnded);
        }

        public ManualClock Time { get; } = new();

        public TickClock Clock { get; }

        public LoopScheduler Scheduler { get; }

        public WakeSignal Ended { get; } = new();

        public int Taken => Volatile.Read(ref _taken);

        public void NotifyTwice()
        {
            Scheduler.TryRunInline();
            Scheduler.TryRunInline();
        }

        /// <summary>All has ended, once, and no turn was taken afterwards or beside another.</summary>
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
