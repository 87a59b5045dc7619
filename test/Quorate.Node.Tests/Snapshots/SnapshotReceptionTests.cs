using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;

namespace Quorate.Node.Tests.Snapshots;

public sealed class SnapshotReceptionTests
{
    private const int ContentBytes = 250;

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(512)]
    [InlineData(100_000)]
    public void A_snapshot_is_received_in_pieces_of_any_length(int pieceBytes)
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var reception = store.BeginReceive(id);
        SnapshotGiven.Receive(reception, file, pieceBytes);
        var info = reception.Complete();

        Assert.Equal((id, (long)ContentBytes), (info.Id, info.ContentBytes));
        Assert.Equal(info, store.Newest);
        AssertHas(disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped), id, file);
        Assert.Equal(0, disk.OpenFiles);
    }

    /// <summary>Whatever part of the file a power loss left, the reception continues after the last whole chunk.</summary>
    [Fact]
    public void A_reception_is_resumed_from_every_prefix()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var starts = new SortedSet<long>();
        for (var length = 0; length < file.Length; length++)
        {
            var disk = new MemoryStorage();
            SnapshotGiven.Put(disk, SnapshotName.Receiving, file.AsSpan(0, length));
            var store = SnapshotGiven.OpenStore(disk);
            var reception = store.BeginReceive(id);

            Assert.True(reception.Offset <= length && length - reception.Offset < 512, $"{length} bytes: continues at {reception.Offset}");
            starts.Add(reception.Offset);
            SnapshotGiven.Receive(reception, file);
            reception.Complete();
            AssertHas(disk, id, file);
        }

        var chunks = SnapshotHeader.Bytes + SnapshotConfiguration.SizeOf(SnapshotGiven.Configuration);
        Assert.Equal([0, 512, chunks, chunks + 108, chunks + 216, chunks + 274], starts);
    }

    [Fact]
    public void A_file_that_is_complete_is_resumed_at_its_end()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var disk = new MemoryStorage();
        SnapshotGiven.Put(disk, SnapshotName.Receiving, file);
        var reception = SnapshotGiven.OpenStore(disk).BeginReceive(id);
        Assert.Equal(file.Length, reception.Offset);
        reception.Complete();
        AssertHas(disk, id, file);
    }

    /// <summary>Otherwise a reception that is interrupted many times writes its beginning many times.</summary>
    [Fact]
    public void The_bytes_of_an_earlier_reception_are_written_again_once_at_the_end()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var disk = new MemoryStorage();
        SnapshotGiven.Put(disk, SnapshotName.Receiving, file.AsSpan(0, 700));
        var written = disk.Writes;
        for (var restarts = 0; restarts < 5; restarts++)
            SnapshotGiven.OpenStore(disk).BeginReceive(id).Dispose();
        Assert.Equal(written, disk.Writes);

        var reception = SnapshotGiven.OpenStore(disk).BeginReceive(id);
        var resumedAt = reception.Offset;
        SnapshotGiven.Receive(reception, file, file.Length);
        Assert.Equal(written + 1, disk.Writes);
        reception.Complete();
        Assert.Equal((692, written + 2), (resumedAt, disk.Writes));
        AssertHas(disk, id, file);
    }

    /// <summary>A page that a failed flush left clean was evicted: the disk returns what it has instead of what was verified.</summary>
    [Fact]
    public void Bytes_that_changed_since_the_reception_was_resumed_are_received_again()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        for (var at = 0; at < 692; at++)
        {
            var disk = new MemoryStorage();
            SnapshotGiven.Put(disk, SnapshotName.Receiving, file.AsSpan(0, 692));
            var store = SnapshotGiven.OpenStore(disk);
            var reception = store.BeginReceive(id);
            Assert.Equal(692, reception.Offset);
            SnapshotGiven.Receive(reception, file);
            disk.BytesOf(SnapshotName.Receiving)[at] ^= 1;
            Assert.Throws<SnapshotCorruptionException>(() => reception.Complete());
            Assert.Null(store.Newest);

            var second = store.BeginReceive(id);
            Assert.InRange(second.Offset, Math.Max(0, at - 512), at);
            SnapshotGiven.Receive(second, file);
            second.Complete();
            AssertHas(disk, id, file);
        }
    }

    /// <summary>A power loss leaves any sectors of what was not flushed, and a disk loses any bit of what was.</summary>
    [Fact]
    public void A_reception_continues_before_every_flipped_bit()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        for (var bit = 0; bit < 8 * file.Length; bit++)
        {
            byte[] corrupted = [.. file];
            corrupted[bit / 8] ^= (byte)(1 << (bit % 8));
            var disk = new MemoryStorage();
            SnapshotGiven.Put(disk, SnapshotName.Receiving, corrupted);
            var store = SnapshotGiven.OpenStore(disk);
            var reception = store.BeginReceive(id);

            Assert.True(reception.Offset <= bit / 8, $"byte {bit / 8} is wrong, and the reception continues at {reception.Offset}");
            SnapshotGiven.Receive(reception, file);
            reception.Complete();
            AssertHas(disk, id, file);
        }
    }

    [Fact]
    public void A_reception_continues_before_every_unreadable_byte()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, 200_000, nonce: 1);
        for (var at = 0; at < file.Length; at += 10_007)
        {
            var disk = new MemoryStorage();
            SnapshotGiven.Put(disk, SnapshotName.Receiving, file);
            disk.Unreadable = (SnapshotName.Receiving, at);
            var reception = SnapshotGiven.OpenStore(disk).BeginReceive(id);

            Assert.InRange(reception.Offset, Math.Max(0, at - 70_000), at);
            SnapshotGiven.Receive(reception, file, 5000);
            disk.Unreadable = null;
            reception.Complete();
            AssertHas(disk, id, file);
        }
    }

    [Theory]
    [InlineData(8, ContentBytes, 0x0FED_CBA9)]
    [InlineData(9, ContentBytes, 5)]
    [InlineData(9, 150, 0x0FED_CBA9)]
    public void Another_snapshot_is_received_from_its_beginning(ulong index, int bytes, ulong nonce)
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var (otherId, other) = SnapshotGiven.FileOfPeer(index, bytes, nonce);
        Assert.NotEqual(id, otherId);
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var first = store.BeginReceive(id);
        first.Write(0, file.AsSpan(0, 600));

        var reception = store.BeginReceive(otherId);
        Assert.Equal(0, reception.Offset);
        Assert.False(first.IsOpen);
        Assert.Throws<InvalidOperationException>(() => first.Write(600, file.AsSpan(600, 10)));
        reception.Write(0, other.AsSpan(0, 600));

        // And after a restart.
        reception = SnapshotGiven.OpenStore(disk).BeginReceive(id);
        Assert.InRange(reception.Offset, 0, index == 9 && bytes == 150 && nonce == 0x0FED_CBA9 ? 600 : 0);
        SnapshotGiven.Receive(reception, file);
        reception.Complete();
        AssertHas(disk, id, file);
    }

    [Fact]
    public void An_open_reception_continues_where_it_is()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var reception = store.BeginReceive(id);
        reception.Write(0, file.AsSpan(0, 601));
        Assert.Equal(0, disk.Reads);
        Assert.Same(reception, store.BeginReceive(id));
        Assert.Equal(601, reception.Offset);
        Assert.Equal(0, disk.Reads);

        // A closed one is verified again, from the disk.
        reception.Dispose();
        var second = store.BeginReceive(id);
        Assert.NotSame(reception, second);
        Assert.Equal(584, second.Offset);
        Assert.True(disk.Reads > 0);
    }

    [Fact]
    public void Bytes_that_were_not_written_are_rejected_and_the_rest_is_kept()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        for (var at = 0; at < file.Length; at++)
        {
            byte[] corrupted = [.. file];
            corrupted[at] ^= 0x10;
            var disk = new MemoryStorage();
            var store = SnapshotGiven.OpenStore(disk);
            var reception = store.BeginReceive(id);
            Assert.Throws<SnapshotCorruptionException>(() => SnapshotGiven.Receive(reception, corrupted, 50));
            Assert.False(reception.IsOpen);
            Assert.Null(store.Newest);

            var second = store.BeginReceive(id);
            Assert.InRange(second.Offset, Math.Max(0, at - 512), at);
            SnapshotGiven.Receive(second, file);
            second.Complete();
            AssertHas(disk, id, file);
        }
    }

    [Fact]
    public void A_snapshot_that_was_not_announced_is_rejected()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        foreach (var announced in new[]
        {
            id with { Last = SnapshotGiven.Id(10) }, id with { Last = SnapshotGiven.Id(9, term: 2) }, id with { Nonce = 3 },
            id with { FileBytes = file.Length - 1 }, id with { FileBytes = file.Length + 1 }, id with { FileBytes = 10 },
        })
        {
            var disk = new MemoryStorage();
            var store = SnapshotGiven.OpenStore(disk);
            var reception = store.BeginReceive(announced);
            Assert.Throws<SnapshotCorruptionException>(() =>
            {
                SnapshotGiven.Receive(reception, file);
                reception.Complete();
            });
            Assert.Null(SnapshotGiven.OpenStore(disk).Newest);
        }
    }

    [Fact]
    public void A_snapshot_of_another_cluster_is_rejected()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var store = SnapshotStore.Open(new MemoryStorage(), 0xBAD, Raft.GroupId.First, SnapshotGiven.SmallChunks());
        var reception = store.BeginReceive(id);
        var error = Assert.Throws<SnapshotCorruptionException>(() => SnapshotGiven.Receive(reception, file));
        Assert.Contains("it belongs to cluster 000000000000c0de", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_at_another_offset_or_after_the_end_are_rejected()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var store = SnapshotGiven.OpenStore(new MemoryStorage());
        var reception = store.BeginReceive(id);
        reception.Write(0, file.AsSpan(0, 100));
        Assert.Throws<ArgumentOutOfRangeException>(() => reception.Write(99, file.AsSpan(99, 10)));
        Assert.Throws<ArgumentOutOfRangeException>(() => reception.Write(101, file.AsSpan(101, 10)));
        Assert.Throws<InvalidOperationException>(() => reception.Complete());
        SnapshotGiven.Receive(reception, file);
        Assert.Throws<SnapshotCorruptionException>(() => reception.Write(file.Length, [1]));
    }

    [Fact]
    public void An_abandoned_reception_leaves_no_file()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var disk = new MemoryStorage();
        var reception = SnapshotGiven.OpenStore(disk).BeginReceive(id);
        reception.Write(0, file.AsSpan(0, 700));
        reception.Abandon();
        reception.Abandon();
        Assert.Empty(disk.List());
        Assert.Equal(0, disk.OpenFiles);
    }

    [Fact]
    public void A_full_disk_ends_the_reception_and_deletes_its_file()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var reception = store.BeginReceive(id);
        reception.Write(0, file.AsSpan(0, 700));
        disk.BeforeCall = static call =>
        {
            if (call.StartsWith("write", StringComparison.Ordinal))
                throw new IOException("no space left on device");
        };
        Assert.Equal("no space left on device", Assert.Throws<IOException>(() => reception.Write(700, file.AsSpan(700, 10))).Message);
        Assert.Empty(disk.List());
        Assert.Equal(0, disk.OpenFiles);

        disk.BeforeCall = null;
        var second = store.BeginReceive(id);
        SnapshotGiven.Receive(second, file);
        second.Complete();
        AssertHas(disk, id, file);
    }

    [Fact]
    public void A_failed_flush_passes_and_the_received_snapshot_does_not_count()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        foreach (var failing in new[] { "flush snapshot", "flush directory" })
        {
            var disk = new MemoryStorage();
            var store = SnapshotGiven.OpenStore(disk);
            var reception = store.BeginReceive(id);
            SnapshotGiven.Receive(reception, file);
            disk.BeforeCall = call =>
            {
                if (call.StartsWith(failing, StringComparison.Ordinal))
                    throw new DiskFlushException("I/O error");
            };
            Assert.Throws<DiskFlushException>(() => reception.Complete());
            Assert.Null(store.Newest);
            Assert.False(reception.IsOpen);
        }
    }

    /// <summary>A member whose snapshot is corrupt receives the same bytes again.</summary>
    [Fact]
    public void A_received_snapshot_replaces_a_corrupt_one_with_the_same_bytes()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, ContentBytes);
        var name = SnapshotName.Of(id.Last.Index, id.Nonce);
        var disk = new MemoryStorage();
        SnapshotGiven.Put(disk, name, file);
        disk.BytesOf(name)[600] ^= 1;
        var store = SnapshotGiven.OpenStore(disk);
        var reader = store.OpenBytes(id)!;
        var reception = store.BeginReceive(id);
        SnapshotGiven.Receive(reception, file);

        // A file that is being read is not replaced.
        Assert.Throws<IOException>(() => reception.Complete());
        reader.Dispose();
        var second = store.BeginReceive(id);
        Assert.Equal(file.Length, second.Offset);
        second.Complete();
        AssertHas(disk, id, file);
        Assert.Equal(SnapshotGiven.Content(9, ContentBytes), SnapshotGiven.Read(store, store.Newest!));
    }

    [Fact]
    public void A_long_reception_is_flushed_and_evicted_in_parts()
    {
        var (id, file) = SnapshotGiven.FileOfPeer(9, 20_000);
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        SnapshotGiven.Receive(store.BeginReceive(id), file);
        Assert.InRange(disk.Evicted.Count, 18, 40);

        var resumed = disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Kept);
        Assert.Equal(file.Length, SnapshotGiven.OpenStore(resumed).BeginReceive(id).Offset);
    }

    private static void AssertHas(MemoryStorage disk, SnapshotId id, byte[] file)
    {
        var store = SnapshotGiven.OpenStore(disk);
        Assert.Equal(id, store.Newest!.Id);
        Assert.Empty(store.Corruptions);
        Assert.Equal(file, disk.BytesOf(store.Newest.Name));
        SnapshotGiven.Read(store, store.Newest);
        Assert.DoesNotContain(SnapshotName.Receiving, disk.List());
    }
}
