using Quorate.Node.Groups;
using Quorate.Node.Tests.Io;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="LogWriter"/> with the disk's thread behind it, driven as the group's loop drives it, but by no clock: a wake that is lost stays lost.</summary>
public sealed class GroupCommit
{
    [Fact]
    public void Every_append_becomes_durable_in_order_and_the_loop_hears_of_it() => Schedules.Explore(200, () =>
    {
        using var bench = new Bench(Given.SmallLog);
        for (var token = 1UL; token <= 4; token++)
        {
            bench.Writer.Stage(new AppendEffect(token, token == 1 ? new HardState(new Term(1), Given.Self) : null, Given.Commands(token, token), default));
            bench.Turn();
        }

        bench.TurnUntil(() => bench.Durable == 4);
    });

    [Fact]
    public void The_log_goes_on_into_a_segment_that_is_made_beside_it() => Schedules.Explore(100, () =>
    {
        using var bench = new Bench(Given.SmallLog with { PrepareInBackground = true });
        bench.Writer.Stage(new AppendEffect(1, new HardState(new Term(1), Given.Self), Given.Commands(1, 1), default));
        for (var token = 2UL; token <= 5; token++)
        {
            bench.Writer.Stage(new AppendEffect(token, null, Given.Commands((6 * token) - 10, (6 * token) - 5, payloadBytes: 1000), default));
            bench.Turn();
            bench.TurnUntil(() => bench.Durable == token);
        }

        Assert.Equal(new LogIndex(25), bench.LastIndex);
    });

    [Fact]
    public void The_next_segment_is_filled_as_far_as_it_is_wanted_and_goes_on_when_more_is() => Schedules.Explore(300, () =>
    {
        var pace = new FillPace();
        var (wanted, filled) = (0L, 0);
        Given.Together(
            () =>
            {
                for (; filled < 3 && pace.WaitUntilWanted(filled); filled++)
                    Assert.True(filled < Volatile.Read(ref wanted));
            },
            () =>
            {
                foreach (var more in (long[])[1, 2, long.MaxValue])
                {
                    Volatile.Write(ref wanted, more);
                    pace.WantUpTo(more);
                }
            });
        Assert.Equal(3, filled);
    });

    [Fact]
    public void A_segment_nobody_needs_is_filled_no_further() => Schedules.Explore(100, () =>
    {
        var pace = new FillPace();
        pace.WantUpTo(1);
        Given.Together(() => Assert.False(pace.WaitUntilWanted(1)), pace.GiveUp);
        Assert.False(pace.IsWanted(0));
    });

    [Fact]
    public void Entries_asked_for_are_read_between_two_commits() => Schedules.Explore(200, () =>
    {
        using var bench = new Bench(Given.SmallLog);
        bench.Writer.Stage(new AppendEffect(1, new HardState(new Term(1), Given.Self), Given.Commands(1, 2), default));
        bench.Turn();
        bench.TurnUntil(() => bench.Durable == 1);

        bench.Writer.Stage(new AppendEffect(2, null, Given.Commands(3, 3), default));
        bench.Turn();
        bench.Writer.Ask(new EntriesRequest(new NodeId(2), new LogIndex(1), new LogIndex(2), 1 << 20));
        bench.TurnUntil(() => bench.Durable == 2 && bench.EntriesRead > 0);

        Assert.Equal(2, bench.EntriesRead);
    });

    /// <summary>A follower far behind asks for the next entries as soon as it has some: for as long as it catches up, a read is always waiting.</summary>
    [Fact]
    public void Commits_go_on_while_there_is_always_something_to_read() => Schedules.Explore(100, () =>
    {
        using var bench = new Bench(Given.SmallLog);
        bench.Writer.Stage(new AppendEffect(1, new HardState(new Term(1), Given.Self), Given.Commands(1, 2), default));
        bench.Turn();
        bench.TurnUntil(() => bench.Durable == 1);

        bench.AsksAgain = new EntriesRequest(new NodeId(2), new LogIndex(1), new LogIndex(2), 1 << 20);
        bench.Writer.Ask(bench.AsksAgain.Value);
        bench.Turn();
        for (var token = 2UL; token <= 4; token++)
        {
            bench.Writer.Stage(new AppendEffect(token, null, Given.Commands(token + 1, token + 1), default));
            var before = bench.EntriesRead;
            bench.TurnUntil(() => bench.Durable == token);
            Assert.InRange(bench.EntriesRead - before, 2, 4);
        }
    });

    [Fact]
    public void A_failed_flush_wakes_the_loop_and_is_thrown_there() => Schedules.Explore(200, () =>
    {
        using var bench = new Bench(Given.SmallLog);
        bench.FlushFails = true;
        bench.Writer.Stage(new AppendEffect(1, new HardState(new Term(1), Given.Self), Given.Commands(1, 1), default));
        bench.Turn();

        Assert.Throws<IOException>(() => bench.TurnUntil(() => bench.Durable == 1));
        Assert.Equal(0UL, bench.Durable);
    });

    private sealed class Bench : IDisposable
    {
        private readonly WriteAheadLog _log;
        private readonly ThreadWorker _worker = new("disk");
        private readonly HashSet<string> _unflushed = [];

        public Bench(WalOptions options)
        {
            var disk = new MemoryDisk();
            (_log, _) = WriteAheadLog.Open(disk, options);
            disk.Before = OnDiskCall;
            Writer = new LogWriter(_log, options, _worker, Wake.Set);
            _worker.Start();
        }

        public WakeSignal Wake { get; } = new();

        public LogWriter Writer { get; }

        public ulong Durable { get; private set; }

        public LogIndex LastIndex => _log.LastIndex;

        public int EntriesRead { get; private set; }

        public bool FlushFails { get; set; }

        /// <summary>What is asked for as soon as it has been read.</summary>
        public EntriesRequest? AsksAgain { get; set; }

        /// <summary>A turn of the loop, as far as the disk is concerned.</summary>
        public void Turn()
        {
            if (Writer.TryTake(out var durable, out _, out var entries))
            {
                EntriesRead += entries.Length;
                if (durable == 0 && AsksAgain is { } read)
                    Writer.Ask(read);
                if (durable != 0)
                {
                    Assert.True(durable > Durable);
                    Assert.Empty(_unflushed);
                    Assert.True(LastIndex.Value >= durable);
                    Durable = durable;
                }
            }

            Writer.Submit();
        }

        public void TurnUntil(Func<bool> isDone)
        {
            while (!isDone())
            {
                Wake.Wait();
                Turn();
            }
        }

        public void Dispose()
        {
            _worker.Dispose();
            _log.Dispose();
        }

        private void OnDiskCall(string call)
        {
            // The segment in the making is nobody's until it has its name.
            var (verb, file) = (call.Split(' ')[0], call.Split(' ')[^1]);
            if (file.EndsWith(".new", StringComparison.Ordinal))
                return;
            if (verb == "write")
                _unflushed.Add(file);
            if (verb == "flush" && FlushFails)
                throw new IOException("the flush failed");
            if (verb == "flush")
                _unflushed.Remove(file);
        }
    }
}
