using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;

namespace Quorate.Node.Tests.Snapshots;

public sealed class SnapshotStoreTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(99)]
    [InlineData(100)]
    [InlineData(101)]
    [InlineData(200)]
    [InlineData(4321)]
    public void A_snapshot_is_read_back_by_the_next_process(int bytes)
    {
        var disk = new MemoryStorage();
        var written = SnapshotGiven.Write(SnapshotGiven.OpenStore(disk), 7, bytes);

        var store = SnapshotGiven.OpenStore(disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped));
        var found = store.Newest!;

        Assert.Equal((written.Id, written.ContentBytes), (found.Id, found.ContentBytes));
        Assert.Equal((SnapshotGiven.Id(7), (long)bytes), (found.Last, found.ContentBytes));
        Assert.Equal(disk.BytesOf(written.Name).Length, found.Id.FileBytes);
        Assert.Equal(SnapshotGiven.Configuration.ToString(), found.Configuration.ToString());
        Assert.Equal(SnapshotGiven.Content(7, bytes), SnapshotGiven.Read(store, found));
        Assert.Empty(store.Corruptions);
    }

    [Fact]
    public void The_default_chunks_hold_64_KiB()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk, new SnapshotOptions());
        var info = SnapshotGiven.Write(store, 1, 200_000);

        var chunks = (info.Id.FileBytes - info.ContentBytes - SnapshotHeader.Bytes - SnapshotTrailer.Bytes -
            SnapshotConfiguration.SizeOf(info.Configuration)) / SnapshotChunk.HeaderBytes;
        Assert.Equal(4, chunks);
        disk.LongestRead = 0;
        Assert.Equal(SnapshotGiven.Content(1, 200_000), SnapshotGiven.Read(store, info));
        Assert.Equal(SnapshotChunk.HeaderBytes + SnapshotChunk.PayloadBytesMax, disk.LongestRead);
    }

    [Fact]
    public void The_content_can_be_read_byte_by_byte()
    {
        var store = SnapshotGiven.OpenStore(new MemoryStorage());
        using var stream = store.OpenContent(SnapshotGiven.Write(store, 1, 250));

        var expected = SnapshotGiven.Content(1, 250);
        for (var i = 0; i < expected.Length; i++)
        {
            Assert.Equal(i, stream.Position);
            Assert.Equal(expected[i], stream.ReadByte());
        }

        Assert.Equal(-1, stream.ReadByte());
    }

    [Fact]
    public void The_snapshot_of_the_highest_entry_is_the_newest()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        Assert.Null(store.Newest);
        SnapshotGiven.Write(store, 0x20, 10);
        SnapshotGiven.Write(store, 0x100, 10);
        SnapshotGiven.Write(store, 0x3, 10);

        Assert.Equal(0x100ul, store.Newest!.Last.Index.Value);
        Assert.Equal(0x100ul, SnapshotGiven.OpenStore(disk).Newest!.Last.Index.Value);
    }

    [Fact]
    public void Of_two_snapshots_of_one_entry_the_later_is_the_newest()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var own = SnapshotGiven.Write(store, 5, 100);
        using var reader = store.OpenBytes(own.Id);
        var (id, bytes) = SnapshotGiven.FileOfPeer(5, 300);
        var reception = store.BeginReceive(id);
        SnapshotGiven.Receive(reception, bytes);
        var received = reception.Complete();

        Assert.Equal(received, store.Newest);
        Assert.NotEqual(own.Name, received.Name);
        store.DeleteOlderThanNewest();
        Assert.Equal([received.Name, own.Name], disk.List());
        reader!.Dispose();
        Assert.Equal([received.Name], disk.List());
    }

    [Fact]
    public void A_snapshot_is_deleted_only_when_no_reader_needs_it()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var first = SnapshotGiven.Write(store, 1, 500);
        var second = SnapshotGiven.Write(store, 2, 500);
        var third = SnapshotGiven.Write(store, 3, 500);
        var file = disk.BytesOf(first.Name);
        using var reader = store.OpenBytes(first.Id)!;
        using var other = store.OpenBytes(first.Id)!;

        store.DeleteOlderThanNewest();

        Assert.Equal([first.Name, third.Name], disk.List());
        Assert.Null(store.OpenBytes(second.Id));
        var target = new byte[file.Length + 10];
        Assert.Equal(file.Length, reader.Read(0, target));
        Assert.Equal(file, target.AsSpan(0, file.Length).ToArray());
        reader.Dispose();
        reader.Dispose();
        Assert.Contains(first.Name, disk.List());
        other.Dispose();
        Assert.Equal([third.Name], disk.List());
        Assert.Equal(0, disk.OpenFiles);
        Assert.Throws<IOException>(() => store.OpenContent(first));
    }

    [Fact]
    public void A_failed_deletion_is_repeated_by_the_next_call()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var first = SnapshotGiven.Write(store, 1, 10);
        var second = SnapshotGiven.Write(store, 2, 10);
        using (var reader = store.OpenBytes(first.Id))
        {
            store.DeleteOlderThanNewest();
            disk.BeforeCall = static call => throw new IOException(call);
        }

        Assert.Throws<IOException>(store.DeleteOlderThanNewest);
        disk.BeforeCall = null;
        Assert.Equal([first.Name, second.Name], disk.List());
        store.DeleteOlderThanNewest();
        Assert.Equal([second.Name], disk.List());
    }

    [Fact]
    public void A_start_deletes_an_unfinished_snapshot_and_keeps_what_is_being_received()
    {
        var disk = new MemoryStorage();
        var (id, bytes) = SnapshotGiven.FileOfPeer(9, 300);
        SnapshotGiven.Put(disk, SnapshotName.Receiving, bytes.AsSpan(0, 600));
        SnapshotGiven.Put(disk, SnapshotName.Unfinished(id.Last.Index, id.Nonce), bytes);
        SnapshotGiven.Put(disk, "identity", [1]);

        Assert.Null(SnapshotGiven.OpenStore(disk).Newest);
        Assert.Equal(["identity", SnapshotName.Receiving], disk.List());
    }

    [Theory]
    [InlineData("create snapshot")]
    [InlineData("write snapshot")]
    [InlineData("rename snapshot")]
    public void A_failed_write_leaves_only_what_was_there(string failing)
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var first = SnapshotGiven.Write(store, 1, 10);
        var calls = 0;
        disk.BeforeCall = call =>
        {
            if (call.StartsWith(failing, StringComparison.Ordinal) && calls++ == (failing == "write snapshot" ? 2 : 0))
                throw new IOException("no space left on device");
        };

        Assert.Equal("no space left on device", Assert.Throws<IOException>(() => SnapshotGiven.Write(store, 2, 900)).Message);
        Assert.Equal([first.Name], disk.List());
        Assert.Equal(first, store.Newest);
        Assert.Equal(0, disk.OpenFiles);
        disk.BeforeCall = null;
        Assert.Equal(SnapshotGiven.Content(2, 900), SnapshotGiven.Read(store, SnapshotGiven.Write(store, 2, 900)));
    }

    [Theory]
    [InlineData("flush snapshot")]
    [InlineData("flush directory")]
    public void A_failed_flush_passes_and_the_snapshot_does_not_count(string failing)
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var first = SnapshotGiven.Write(store, 1, 10);
        disk.BeforeCall = call =>
        {
            if (call.StartsWith(failing, StringComparison.Ordinal))
                throw new DiskFlushException("I/O error");
        };
        Assert.Throws<DiskFlushException>(() => SnapshotGiven.Write(store, 2, 900));
        Assert.Equal(first, store.Newest);
    }

    [Fact]
    public void A_cancelled_snapshot_is_deleted()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        using var cancellation = new CancellationTokenSource();
        var view = new SnapshotGiven.ScriptedView(stream =>
        {
            stream.Write(new byte[500]);
            cancellation.Cancel();
            stream.Write(new byte[500]);
        });
        Assert.ThrowsAny<OperationCanceledException>(
            () => store.Write(SnapshotGiven.Id(1), SnapshotGiven.Configuration, view, cancellation.Token));
        Assert.Empty(disk.List());
        Assert.Null(store.Newest);
    }

    [Fact]
    public void A_snapshot_whose_state_machine_throws_is_deleted()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var view = new SnapshotGiven.ScriptedView(static stream =>
        {
            stream.Write(new byte[500]);
            throw new FormatException("a bug");
        });
        Assert.Throws<FormatException>(
            () => store.Write(SnapshotGiven.Id(1), SnapshotGiven.Configuration, view, CancellationToken.None));
        Assert.Empty(disk.List());
    }

    [Fact]
    public void A_state_machine_that_ignores_a_failed_write_gets_no_snapshot()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var writes = 0;
        disk.BeforeCall = call =>
        {
            if (call.StartsWith("write", StringComparison.Ordinal) && writes++ == 2)
                throw new IOException("no space left on device");
        };
        var view = new SnapshotGiven.ScriptedView(static stream =>
        {
            try
            {
                stream.Write(new byte[500]);
            }
            catch (IOException)
            {
            }
        });
        Assert.Throws<InvalidOperationException>(
            () => store.Write(SnapshotGiven.Id(1), SnapshotGiven.Configuration, view, CancellationToken.None));
        Assert.Empty(disk.List());
    }

    [Fact]
    public void A_long_snapshot_is_flushed_and_evicted_in_parts()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var (dirty, most) = (0, 0);
        disk.BeforeCall = call =>
        {
            dirty = call.StartsWith("flush", StringComparison.Ordinal) ? 0 : dirty + 1;
            most = Math.Max(most, dirty);
        };
        SnapshotGiven.Write(store, 1, 20_000);

        Assert.InRange(most, 2, 12);
        Assert.InRange(disk.Evicted.Count, 18, 40);
    }

    [Fact]
    public void A_snapshot_that_fails_verification_is_no_longer_the_newest()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var first = SnapshotGiven.Write(store, 1, 10);
        var second = SnapshotGiven.Write(store, 2, 500);
        disk.BytesOf(second.Name)[700] ^= 1;
        var corruption = Assert.Throws<SnapshotCorruptionException>(() => SnapshotGiven.Read(store, second));

        store.MarkCorrupt(second, corruption);

        Assert.Equal(first, store.Newest);
        Assert.Equal([corruption], store.Corruptions);
        Assert.Null(store.OpenBytes(second.Id));
        store.DeleteOlderThanNewest();
        Assert.Equal([first.Name, second.Name], disk.List());
        SnapshotGiven.Write(store, 3, 10);
        store.DeleteOlderThanNewest();
        Assert.Single(disk.List());
    }

    [Theory]
    [InlineData(0, 1, "ChunkBytes")]
    [InlineData(64 * 1024 + 1, 1, "ChunkBytes")]
    [InlineData(1, 0, "FlushBytes")]
    public void A_snapshot_option_out_of_range_is_rejected_by_name(int chunkBytes, int flushBytes, string option)
    {
        var options = new SnapshotOptions { ChunkBytes = chunkBytes, FlushBytes = flushBytes };
        Assert.Equal(option, Assert.Throws<ArgumentOutOfRangeException>(options.Validate).ParamName);
    }
}
