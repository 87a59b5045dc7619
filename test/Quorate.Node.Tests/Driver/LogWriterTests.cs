using Quorate.Node.Driver;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Threading;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>The disk executes one operation at a time; neither reads nor writes keep the other waiting.</summary>
public sealed class LogWriterTests : ILoop, IDisposable
{
    private readonly WalOptions _options = Wal.Given.SmallSegments() with { KeepReserve = true };
    private const int StalledTicks = 10;

    private readonly MemoryStorage _storage = new();
    private readonly WriteAheadLog _log;
    private readonly DriverHarness.ManualWorker _disk = new();
    private readonly LogWriter _writer;
    private ulong _written;

    public LogWriterTests()
    {
        _log = Wal.Given.OpenLog(_storage, _options).Log;
        _writer = new LogWriter(_log, _options, StalledTicks, _disk, this);
        Stage();
        Assert.Equal("write 1", NextOperation());
    }

    /// <summary>
    /// The follower that the entries are for receives nothing until they have been read, however busy the leader is with new entries.
    /// </summary>
    [Fact]
    public void A_read_is_executed_although_each_iteration_has_something_to_write()
    {
        Stage();
        Request(peer: 2);
        Request(peer: 3);

        Assert.Equal("read for 2", NextOperation());
        Assert.Equal("write 2", NextOperation());
        Stage();
        Assert.Equal("read for 3", NextOperation());
        Assert.Equal("write 3", NextOperation());
    }

    [Fact]
    public void A_write_is_executed_although_each_iteration_requests_a_read()
    {
        Request(peer: 2);
        Assert.Equal("read for 2", NextOperation());
        for (var i = 2UL; i < 5; i++)
        {
            Request(peer: 2);
            Stage();
            Assert.Equal($"write {i}", NextOperation());
            Request(peer: 3);
            Assert.Equal("read for 2", NextOperation());
            Stage();
            Assert.Equal($"write {++i}", NextOperation());
            Assert.Equal("read for 3", NextOperation());
        }
    }

    [Fact]
    public void Reads_are_executed_in_their_order_while_nothing_is_written()
    {
        foreach (var peer in new ulong[] { 3, 2, 4 })
            Request(peer);

        Assert.Equal(["read for 3", "read for 2", "read for 4"], [NextOperation(), NextOperation(), NextOperation()]);
        _writer.Submit();
        Assert.False(_disk.RunNext());
    }

    /// <summary>A leader requests the entries of a follower again whenever the follower's connection has been closed.</summary>
    [Fact]
    public void While_the_disk_hangs_a_new_request_for_a_peer_replaces_the_one_that_waits()
    {
        Stage();
        _writer.Submit();
        for (var i = 0; i < 100; i++)
        {
            Request(peer: 2);
            Request(peer: 3);
            _writer.Submit();
        }

        Assert.Equal(2, _writer.PendingReadCount);
        Assert.True(_disk.RunNext());
        Assert.True(_writer.TryTakeCompleted(out _, out _, out _));
        Assert.Equal(["read for 2", "read for 3"], [NextOperation(), NextOperation()]);
        _writer.Submit();
        Assert.False(_disk.RunNext());
    }

    [Fact]
    public void The_next_operation_waits_until_the_result_of_the_last_one_was_taken()
    {
        Stage();
        _writer.Submit();
        Request(peer: 2);
        _writer.Submit();
        Assert.True(_disk.RunNext());
        _writer.Submit();
        Assert.False(_disk.RunNext());

        Assert.True(_writer.TryTakeCompleted(out var durable, out _, out _));
        Assert.Equal(2UL, durable);
        Assert.False(_writer.TryTakeCompleted(out _, out _, out _));
        Assert.Equal("read for 2", NextOperation());
    }

    /// <summary>
    /// The reserve becomes the next segment. After that a batch waits, the appends behind it too, and reads are executed; nothing is lost.
    /// </summary>
    [Fact]
    public void A_full_disk_uses_the_reserve_and_then_holds_back_what_does_not_fit()
    {
        LimitSpace();
        while (_writer.Health == StorageHealth.Healthy)
            WriteNext();
        Assert.Equal(StorageHealth.LowSpace, _writer.Health);
        Assert.DoesNotContain(ReserveFile.Name, _storage.List());

        while (_writer.Health == StorageHealth.LowSpace)
            WriteNext();
        Assert.Equal(StorageHealth.Full, _writer.Health);
        var (durable, waiting) = (_log.LastIndex.Value, _written);
        Assert.Equal(waiting - 1, durable);
        Stage(bytes: 1000);
        Request(peer: 2);
        Assert.Equal("read for 2", NextOperation());
        _writer.Submit();
        Assert.False(_disk.RunNext(), "the batch is not written again before the next tick");

        _storage.BeforeCall = null;
        _writer.OnTick(mayProbe: false);
        RunAll();
        Assert.Equal(new LogIndex(waiting + 1), _log.LastIndex);
    }

    [Fact]
    public void When_there_is_space_again_the_reserve_is_created_and_the_disk_is_healthy()
    {
        LimitSpace();
        while (_writer.Health != StorageHealth.Full)
            WriteNext();
        _storage.BeforeCall = null;

        for (var ticks = 0; ticks < 10 && _writer.Health != StorageHealth.Healthy; ticks++)
        {
            _writer.OnTick(mayProbe: false);
            RunAll();
        }

        Assert.Equal(StorageHealth.Healthy, _writer.Health);
        Assert.Contains(ReserveFile.Name, _storage.List());
        Assert.Equal(new LogIndex(_written), _log.LastIndex);
    }

    /// <summary>Entries are dropped to make space, so the batch that waits for space is written right afterwards.</summary>
    [Fact]
    public void A_batch_without_space_is_written_when_entries_were_dropped()
    {
        var created = LimitSpace();
        while (_writer.Health != StorageHealth.Full)
            WriteNext();
        var waiting = _written;

        created.Limit++;
        _writer.CompactTo(_log.LastIndex);
        _writer.OnTick(mayProbe: false);
        RunAll();

        Assert.Equal(new LogIndex(waiting), _log.LastIndex);
        Assert.True(_log.FirstIndex > new LogIndex(1));
    }

    [Fact]
    public void An_operation_that_runs_for_longer_than_an_election_timeout_is_reported_as_stalled()
    {
        Stage();
        _writer.Submit();
        for (var tick = 0; tick < StalledTicks; tick++)
            _writer.OnTick(mayProbe: true);
        Assert.Equal(StorageHealth.Healthy, _writer.Health);
        _writer.OnTick(mayProbe: true);
        Assert.Equal(StorageHealth.Stalled, _writer.Health);

        Assert.Equal("write 2", NextOperation());
        Assert.Equal(StorageHealth.Healthy, _writer.Health);
    }

    /// <summary>A leader without writes would otherwise not notice that its disk hangs.</summary>
    [Fact]
    public void An_idle_disk_is_probed_with_a_write_and_a_hanging_probe_is_reported()
    {
        for (var tick = 0; tick < 100; tick++)
            _writer.OnTick(mayProbe: false);
        _writer.Submit();
        Assert.False(_disk.RunNext(), "this member is not to be probed");

        var flushes = _storage.Flushes;
        _writer.OnTick(mayProbe: true);
        _writer.Submit();
        for (var tick = 0; tick <= StalledTicks; tick++)
            _writer.OnTick(mayProbe: true);
        Assert.Equal(StorageHealth.Stalled, _writer.Health);

        Assert.True(_disk.RunNext());
        Assert.False(_writer.TryTakeCompleted(out _, out _, out _));
        Assert.Equal(StorageHealth.Healthy, _writer.Health);
        Assert.Equal(flushes + 2, _storage.Flushes);
        _writer.Submit();
        Assert.False(_disk.RunNext(), "the next probe is due later");
    }

    /// <summary>No file can be created, but for as many as were deleted.</summary>
    private SpaceLimit LimitSpace()
    {
        var space = new SpaceLimit();
        _storage.BeforeCall = space.OnCall;
        return space;
    }

    private void WriteNext()
    {
        Stage(bytes: 1000);
        RunAll();
    }

    private void RunAll()
    {
        do
        {
            while (_writer.TryTakeCompleted(out _, out _, out _))
            {
            }

            _writer.Submit();
        }
        while (_disk.RunNext());
    }

    void ILoop.Signal()
    {
    }

    void ILoop.TryRunInline()
    {
    }

    public void Dispose() => _log.Dispose();

    private void Stage(int bytes = 10)
    {
        var entry = Wal.Given.Entry(++_written, payloadBytes: bytes);
        _writer.Stage(new AppendEffect(_written, HardState: null, new[] { entry }, LogIndex.Zero));
    }

    private void Request(ulong peer) =>
        _writer.RequestRead(new LoadEntriesRequest(new NodeId(peer), new LogIndex(1), new LogIndex(1), 1000));

    private string NextOperation()
    {
        _writer.Submit();
        Assert.True(_disk.RunNext(), "the disk has nothing to do");
        Assert.True(_writer.TryTakeCompleted(out var durable, out var read, out var entries));
        if (durable > 0)
            return $"write {durable}";
        Assert.Equal(1, entries.Length);
        return $"read for {read.Peer}";
    }

    private sealed class SpaceLimit
    {
        public int Limit { get; set; }

        public void OnCall(string call)
        {
            if (call.StartsWith("delete", StringComparison.Ordinal))
                Limit++;
            if (call.StartsWith("create", StringComparison.Ordinal) && !call.Contains("identity", StringComparison.Ordinal) && Limit-- <= 0)
            {
                Limit = 0;
                throw new IOException("No space left on device");
            }
        }
    }
}
