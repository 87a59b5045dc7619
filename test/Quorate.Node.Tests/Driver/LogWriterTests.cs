using Quorate.Node.Driver;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Threading;
using Quorate.Node.Wal;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>The disk executes one operation at a time; neither reads nor writes keep the other waiting.</summary>
public sealed class LogWriterTests : ILoop, IDisposable
{
    private readonly WalOptions _options = Wal.Given.SmallSegments();
    private readonly WriteAheadLog _log;
    private readonly DriverHarness.ManualWorker _disk = new();
    private readonly LogWriter _writer;
    private ulong _written;

    public LogWriterTests()
    {
        _log = Wal.Given.OpenLog(new MemoryStorage(), _options).Log;
        _writer = new LogWriter(_log, _options, _disk, this);
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

    void ILoop.Signal()
    {
    }

    void ILoop.TryRunInline()
    {
    }

    public void Dispose() => _log.Dispose();

    private void Stage()
    {
        var entry = Wal.Given.Entry(++_written);
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
}
