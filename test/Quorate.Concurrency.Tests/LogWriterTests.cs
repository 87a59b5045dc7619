using Quorate.Node.Driver;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Threading;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary>
/// <see cref="LogWriter"/> with the disk thread, called as the driver calls it, but without a clock: a lost wake stays lost.
/// </summary>
public sealed class LogWriterTests
{
    [Fact]
    public void Every_append_becomes_durable_in_order() => CoyoteTestRunner.Explore(200, () =>
    {
        using var harness = new Harness(Given.SmallLog);
        for (var token = 1UL; token <= 4; token++)
        {
            harness.Writer.Stage(
                new AppendEffect(token, token == 1 ? new HardState(new Term(1), Given.Self) : null, Given.Commands(token, token), default));
            harness.RunOnce();
        }

        harness.RunUntil(() => harness.Durable == 4);
    });

    [Fact]
    public void The_log_continues_in_a_preallocated_segment() => CoyoteTestRunner.Explore(100, () =>
    {
        using var harness = new Harness(Given.SmallLog with { PreallocateInBackground = true });
        harness.Writer.Stage(new AppendEffect(1, new HardState(new Term(1), Given.Self), Given.Commands(1, 1), default));
        for (var token = 2UL; token <= 5; token++)
        {
            harness.Writer.Stage(
                new AppendEffect(token, null, Given.Commands((6 * token) - 10, (6 * token) - 5, payloadBytes: 1000), default));
            harness.RunOnce();
            harness.RunUntil(() => harness.Durable == token);
        }

        Assert.Equal(new LogIndex(25), harness.LastIndex);
    });

    [Fact]
    public void Preallocation_fills_only_the_allowed_bytes() => CoyoteTestRunner.Explore(300, () =>
    {
        var throttle = new PreallocationThrottle();
        var (allowed, filled) = (0L, 0);
        Given.RunConcurrently(
            () =>
            {
                for (; filled < 3 && throttle.WaitUntilAllowed(filled); filled++)
                    Assert.True(filled < Volatile.Read(ref allowed));
            },
            () =>
            {
                foreach (var more in (long[])[1, 2, long.MaxValue])
                {
                    Volatile.Write(ref allowed, more);
                    throttle.AllowUpTo(more);
                }
            });
        Assert.Equal(3, filled);
    });

    [Fact]
    public void A_cancelled_preallocation_stops_filling() => CoyoteTestRunner.Explore(100, () =>
    {
        var throttle = new PreallocationThrottle();
        throttle.AllowUpTo(1);
        Given.RunConcurrently(() => Assert.False(throttle.WaitUntilAllowed(1)), throttle.Cancel);
        Assert.False(throttle.IsAllowed(0));
    });

    [Fact]
    public void A_requested_read_runs_between_two_flushes() => CoyoteTestRunner.Explore(200, () =>
    {
        using var harness = new Harness(Given.SmallLog);
        harness.Writer.Stage(new AppendEffect(1, new HardState(new Term(1), Given.Self), Given.Commands(1, 2), default));
        harness.RunOnce();
        harness.RunUntil(() => harness.Durable == 1);

        harness.Writer.Stage(new AppendEffect(2, null, Given.Commands(3, 3), default));
        harness.RunOnce();
        harness.Writer.RequestRead(new LoadEntriesRequest(new NodeId(2), new LogIndex(1), new LogIndex(2), 1 << 20));
        harness.RunUntil(() => harness.Durable == 2 && harness.EntriesRead > 0);

        Assert.Equal(2, harness.EntriesRead);
    });

    /// <summary>
    /// The entries for a follower far behind are requested as soon as it has received some: while it catches up, a read is always pending.
    /// </summary>
    [Fact]
    public void Appends_are_not_starved_by_continuous_reads() => CoyoteTestRunner.Explore(100, () =>
    {
        using var harness = new Harness(Given.SmallLog);
        harness.Writer.Stage(new AppendEffect(1, new HardState(new Term(1), Given.Self), Given.Commands(1, 2), default));
        harness.RunOnce();
        harness.RunUntil(() => harness.Durable == 1);

        harness.RepeatedRead = new LoadEntriesRequest(new NodeId(2), new LogIndex(1), new LogIndex(2), 1 << 20);
        harness.Writer.RequestRead(harness.RepeatedRead.Value);
        harness.RunOnce();
        for (var token = 2UL; token <= 4; token++)
        {
            harness.Writer.Stage(new AppendEffect(token, null, Given.Commands(token + 1, token + 1), default));
            var before = harness.EntriesRead;
            harness.RunUntil(() => harness.Durable == token);
            Assert.InRange(harness.EntriesRead - before, 2, 4);
        }
    });

    [Fact]
    public void A_failed_flush_is_thrown_in_the_loop() => CoyoteTestRunner.Explore(200, () =>
    {
        using var harness = new Harness(Given.SmallLog);
        harness.FlushFails = true;
        harness.Writer.Stage(new AppendEffect(1, new HardState(new Term(1), Given.Self), Given.Commands(1, 1), default));
        harness.RunOnce();

        Assert.Throws<IOException>(() => harness.RunUntil(() => harness.Durable == 1));
        Assert.Equal(0UL, harness.Durable);
    });

    private sealed class Harness : IDisposable
    {
        private readonly WriteAheadLog _log;
        private readonly ThreadWorker _worker = new("disk");
        private readonly HashSet<string> _unflushed = [];

        public Harness(WalOptions options)
        {
            var disk = new MemoryStorage();
            (_log, _) = WriteAheadLog.Open(disk, options, Given.Identity(disk));
            disk.BeforeCall = OnDiskCall;
            Writer = new LogWriter(_log, options, stalledTicks: 10, _worker, Given.Loop(Wake));
            _worker.Start();
        }

        public WakeSignal Wake { get; } = new();

        public LogWriter Writer { get; }

        public ulong Durable { get; private set; }

        public LogIndex LastIndex => _log.LastIndex;

        public int EntriesRead { get; private set; }

        public bool FlushFails { get; set; }

        /// <summary>A read that is requested again as soon as it has completed.</summary>
        public LoadEntriesRequest? RepeatedRead { get; set; }

        /// <summary>Runs the disk part of a driver iteration.</summary>
        public void RunOnce()
        {
            if (Writer.TryTakeCompleted(out var durable, out _, out var entries))
            {
                EntriesRead += entries.Length;
                if (durable == 0 && RepeatedRead is { } read)
                    Writer.RequestRead(read);
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

        public void RunUntil(Func<bool> isDone)
        {
            while (!isDone())
            {
                Wake.Wait();
                RunOnce();
            }
        }

        public void Dispose()
        {
            _worker.Dispose();
            _log.Dispose();
        }

        private void OnDiskCall(string call)
        {
            // A segment that is being preallocated belongs to no log until it has its name.
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
