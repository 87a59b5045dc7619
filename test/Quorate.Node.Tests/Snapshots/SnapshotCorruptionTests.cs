using System.Buffers.Binary;
using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Tests.Snapshots;

/// <summary>Whatever changes in a snapshot file is detected, and no byte that is not what was written is ever returned.</summary>
public sealed class SnapshotCorruptionTests
{
    private const int ContentBytes = 250;
    private static readonly byte[] Content = SnapshotGiven.Content(1, ContentBytes);

    [Fact]
    public void Every_flipped_bit_is_detected()
    {
        var (disk, name) = Written();
        var bytes = disk.BytesOf(name);
        for (var bit = 0; bit < 8 * bytes.Length; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertDetected(disk, name, $"bit {bit % 8} of byte {bit / 8} was flipped");
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        AssertIntact(disk);
    }

    [Fact]
    public void Every_truncation_and_extension_is_detected()
    {
        var (disk, name) = Written();
        byte[] bytes = [.. disk.BytesOf(name)];
        for (var length = 0; length < bytes.Length; length++)
        {
            SnapshotGiven.Put(disk, name, bytes.AsSpan(0, length));
            AssertDetectedAtStart(disk, $"the file was truncated to {length} bytes");
        }

        foreach (var added in new[] { 1, 8, 32, 100 })
        {
            SnapshotGiven.Put(disk, name, [.. bytes, .. new byte[added]]);
            AssertDetectedAtStart(disk, $"{added} bytes were added");
            SnapshotGiven.Put(disk, name, [.. bytes, .. bytes[^added..]]);
            AssertDetectedAtStart(disk, $"the last {added} bytes were repeated");
        }

        SnapshotGiven.Put(disk, name, bytes);
        AssertIntact(disk);
    }

    [Fact]
    public void Every_sector_of_zeroes_and_every_unreadable_byte_is_detected()
    {
        var (disk, name) = Written();
        byte[] bytes = [.. disk.BytesOf(name)];
        for (var at = 0; at < bytes.Length; at += 512)
        {
            disk.BytesOf(name).AsSpan(at, Math.Min(512, bytes.Length - at)).Clear();
            AssertDetected(disk, name, $"the sector at {at} is zero");
            bytes.CopyTo(disk.BytesOf(name), 0);
        }

        for (var at = 0; at < bytes.Length; at++)
        {
            disk.Unreadable = (name, at);
            AssertDetected(disk, name, $"byte {at} cannot be read");
        }
    }

    /// <summary>A chunk of another snapshot, or of another place in this one, has a valid checksum of its own.</summary>
    [Fact]
    public void A_chunk_in_the_wrong_place_is_detected()
    {
        var (disk, name) = Written();
        var bytes = disk.BytesOf(name);
        var first = (int)(SnapshotHeader.Bytes + SnapshotConfiguration.SizeOf(SnapshotGiven.Configuration));
        const int Chunk = 108;
        byte[] original = [.. bytes];

        original.AsSpan(first, Chunk).CopyTo(bytes.AsSpan(first + Chunk));
        AssertDetected(disk, name, "the first chunk is in the place of the second too");
        original.AsSpan(first + Chunk, Chunk).CopyTo(bytes.AsSpan(first));
        AssertDetected(disk, name, "the first two chunks are exchanged");
        original.CopyTo(bytes, 0);
        SnapshotGiven.FileOfPeer(1, ContentBytes).Bytes.AsSpan(first, Chunk).CopyTo(bytes.AsSpan(first));
        AssertDetected(disk, name, "a chunk is that of another file");
        original.CopyTo(bytes, 0);
        AssertIntact(disk);
    }

    /// <summary>What is missing at a boundary of chunks, every checksum but the last one being valid.</summary>
    [Fact]
    public void A_missing_chunk_is_detected_by_the_trailer()
    {
        var (disk, name) = Written();
        byte[] bytes = [.. disk.BytesOf(name)];
        var nonce = SnapshotGiven.OpenStore(disk).Newest!.Id.Nonce;
        var last = bytes.Length - SnapshotTrailer.Bytes - 58;
        byte[] shortened = [.. bytes[..last], .. new byte[SnapshotTrailer.Bytes]];
        foreach (var trailer in new SnapshotTrailer[] { new(2, 200, 0), new(3, 192, 0) })
        {
            trailer.Write(shortened.AsSpan(last), nonce, last);
            SnapshotGiven.Put(disk, name, shortened);
            AssertDetected(disk, name, "the last chunk is missing, with a trailer for the rest", returnedMax: 100);
        }
    }

    [Fact]
    public void A_length_is_bounded_before_memory_is_allocated()
    {
        var (disk, name) = Written();
        var bytes = disk.BytesOf(name);
        var first = SnapshotHeader.Bytes + SnapshotConfiguration.SizeOf(SnapshotGiven.Configuration);
        foreach (var length in new uint[] { 0, SnapshotChunk.PayloadBytesMax + 1, int.MaxValue, uint.MaxValue })
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(first + 4), length);
            var store = SnapshotGiven.OpenStore(disk);
            var error = Assert.Throws<SnapshotCorruptionException>(() => SnapshotGiven.Read(store, store.Newest!));
            Assert.Equal((name, (long)first), (error.File, error.Offset));
            Assert.Contains($"chunk 0 states a length of {length} bytes", error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_snapshot_under_another_name_is_not_used()
    {
        var (disk, name) = Written();
        disk.Rename(name, SnapshotName.Of(new LogIndex(2), 3));
        AssertDetectedAtStart(disk, "the file was renamed");
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(0xC0DE, 2)]
    public void A_snapshot_of_another_cluster_or_group_is_not_used(ulong cluster, ulong group)
    {
        var (disk, _) = Written();
        var store = SnapshotStore.Open(disk, cluster, new GroupId(group), SnapshotGiven.SmallChunks());
        Assert.Null(store.Newest);
        var error = Assert.Single(store.Corruptions);
        Assert.Contains("it belongs to cluster 000000000000c0de, group 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_corrupt_snapshot_leaves_an_older_one_as_the_newest()
    {
        var disk = new MemoryStorage();
        var store = SnapshotGiven.OpenStore(disk);
        var first = SnapshotGiven.Write(store, 1, 10);
        var second = SnapshotGiven.Write(store, 2, 10);
        disk.BytesOf(second.Name)[0] ^= 1;

        var found = SnapshotGiven.OpenStore(disk);
        Assert.Equal(first.Id, found.Newest!.Id);
        var error = Assert.Single(found.Corruptions);
        Assert.Equal((second.Name, 0), (error.File, error.Offset));
        found.DeleteOlderThanNewest();
        Assert.Equal([first.Name, second.Name], disk.List());
    }

    [Fact]
    public void A_snapshot_of_a_later_format_is_an_error_of_its_own()
    {
        var (disk, name) = Written();
        var bytes = disk.BytesOf(name);
        bytes[8] = 2;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Crc32C.Of(bytes.AsSpan(4, SnapshotHeader.Bytes - 4)));
        var error = Assert.Throws<StorageVersionException>(() => SnapshotGiven.OpenStore(disk));
        Assert.Contains("this build reads format 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_corruption_error_names_file_offset_and_what_to_do()
    {
        var (disk, name) = Written();
        disk.BytesOf(name)[600] ^= 1;
        var store = SnapshotGiven.OpenStore(disk);
        var error = Assert.Throws<SnapshotCorruptionException>(() => SnapshotGiven.Read(store, store.Newest!));
        Assert.Equal(
            $"Corruption in {name} at byte 584: chunk 0 fails verification. " +
            "A snapshot receives its name only after all of it is on disk, so no crash leaves this. " +
            "Keep a copy of the file, and look for the cause (disk, controller, memory). " +
            "The other members hold the same state: this member must receive a snapshot from one of them.",
            error.Message);
    }

    private static (MemoryStorage Disk, string Name) Written()
    {
        var disk = new MemoryStorage();
        return (disk, SnapshotGiven.Write(SnapshotGiven.OpenStore(disk), 1, ContentBytes).Name);
    }

    private static void AssertIntact(MemoryStorage disk)
    {
        var store = SnapshotGiven.OpenStore(disk);
        Assert.Equal(Content, SnapshotGiven.Read(store, store.Newest!));
    }

    private static void AssertDetectedAtStart(MemoryStorage disk, string what)
    {
        var store = SnapshotGiven.OpenStore(disk);
        Assert.True(store.Newest is null && store.Corruptions.Count == 1, what);
    }

    // At the start, or before any byte of the chunk is returned.
    private static void AssertDetected(MemoryStorage disk, string name, string what, int returnedMax = ContentBytes - 1)
    {
        var store = SnapshotGiven.OpenStore(disk);
        if (store.Newest is not { } newest)
        {
            Assert.Equal(name, Assert.Single(store.Corruptions).File);
            return;
        }

        var returned = new List<byte>();
        using var stream = store.OpenContent(newest);
        for (var i = 0; i < 2; i++)
        {
            var error = Assert.Throws<SnapshotCorruptionException>(() =>
            {
                for (int b; (b = stream.ReadByte()) >= 0;)
                    returned.Add((byte)b);
                Assert.Fail($"not detected: {what}");
            });
            Assert.Equal(name, error.File);
        }

        Assert.True(returned.Count <= returnedMax, $"{returned.Count} bytes were returned before it was detected: {what}");
        Assert.True(Content.AsSpan().StartsWith(returned.ToArray()), $"other bytes were returned: {what}");
    }
}
