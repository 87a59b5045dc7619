using Quorate.Node.Groups;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="TurnTaker"/>: threads bring news and take turns, the group's own thread takes those that are left. Its clock stands still.</summary>
public sealed class Turns
{
    [Fact]
    public void All_news_is_seen_by_a_later_turn_and_turns_exclude_each_other() => Schedules.Explore(300, () =>
    {
        const int All = 5;
        var (news, seen) = (0, 0);
        var allSeen = new WakeSignal();
        using var bench = new Bench((_, _) =>
        {
            seen = Volatile.Read(ref news);
            if (seen == All)
                allSeen.Set();
        });

        // Some of it is brought before there are turns.
        Given.Together(
            bench.Turns.Start,
            () => Bring(2, bench.Turns.TakeOrLeave),
            () => Bring(2, bench.Turns.TakeOrLeave),
            () => Bring(1, bench.Turns.Wake));
        allSeen.Wait();
        bench.Turns.Stop();

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
    public void After_the_stop_no_turn_is_taken_and_the_end_is_told_once() => Schedules.Explore(300, () =>
    {
        using var bench = new Bench((_, _) => { });
        bench.Turns.Start();

        Given.Together(
            bench.BringTwice,
            bench.BringTwice,
            () =>
            {
                bench.Turns.Stop();
                bench.Check(fault: null);
            });

        bench.Check(fault: null);
    });

    [Fact]
    public void A_turn_that_throws_is_the_last_whoever_took_it() => Schedules.Explore(300, () =>
    {
        var fault = new IOException("the disk is gone");
        using var bench = new Bench((bench, number) =>
        {
            if (number == 2)
                throw fault;
        });
        bench.Turns.Start();

        Given.Together(bench.BringTwice, bench.BringTwice, () => bench.Ended.Wait());

        Assert.Equal(2, bench.Taken);
        bench.Turns.Stop();
        bench.Check(fault);
    });

    /// <summary>While a turn is being taken the tick that it has not seen yet stays due: whoever waits by the clock then does not sleep at all.</summary>
    [Fact]
    public void The_groups_own_thread_sleeps_while_another_takes_a_turn() => Schedules.Explore(300, () =>
    {
        var looks = 0;
        using var bench = new Bench((bench, number) =>
        {
            if (number != 2)
                return;
            var before = bench.Time.Looks;
            bench.Time.Now = 1;
            bench.Turns.Wake();
            for (var i = 0; i < 50; i++)
                looks = bench.Time.Looks - before;
            bench.Clock.TakeTicks();
        });
        bench.Turns.Start();

        Given.Together(bench.BringTwice);
        bench.Turns.Stop();

        Assert.True(looks <= 1, $"{looks} looks at the clock");
        bench.Check(fault: null);
    });

    private sealed class Bench : IDisposable
    {
        private readonly Action<Bench, int> _turn;
        private int _inside;
        private int _overlaps;
        private int _taken;
        private int _ends;
        private int _takenAtTheEnd;
        private Exception? _fault;

        public Bench(Action<Bench, int> turn)
        {
            _turn = turn;
            Clock = new TickClock(Time, TimeSpan.FromSeconds(1), ticksAtOnceMax: 1);
            Turns = new TurnTaker("group", Turn, Clock, OnEnded);
        }

        public ClockByHand Time { get; } = new();

        public TickClock Clock { get; }

        public TurnTaker Turns { get; }

        public WakeSignal Ended { get; } = new();

        public int Taken => Volatile.Read(ref _taken);

        public void BringTwice()
        {
            Turns.TakeOrLeave();
            Turns.TakeOrLeave();
        }

        /// <summary>All has ended, once, and no turn was taken afterwards or beside another.</summary>
        public void Check(Exception? fault)
        {
            Assert.Equal(1, Volatile.Read(ref _ends));
            Assert.Equal(_takenAtTheEnd, Taken);
            Assert.Equal(0, _overlaps);
            Assert.Same(fault, _fault);
        }

        public void Dispose() => Turns.Dispose();

        private void Turn()
        {
            if (Interlocked.Increment(ref _inside) != 1)
                Interlocked.Increment(ref _overlaps);
            try
            {
                _turn(this, Interlocked.Increment(ref _taken));
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

    private sealed class ClockByHand : TimeProvider
    {
        private int _looks;
        private int _now;

        public int Looks => Volatile.Read(ref _looks);

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
