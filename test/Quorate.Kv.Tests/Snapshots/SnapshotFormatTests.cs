using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using Quorate.Kv.Snapshots;
using Quorate.Raft;

namespace Quorate.Kv.Tests.Snapshots;

/// <summary>docs/formats/kv-snapshot.md: the bytes of a snapshot, and what happens to bytes that are none.</summary>
public sealed class SnapshotFormatTests
{
    private static readonly EntryId Last = new(new Term(1), new LogIndex(100));

    /// <summary>Golden file: snapshots on disks contain these bytes. Only a new format may write others.</summary>
    [Fact]
    public void Format_1_has_the_golden_bytes()
    {
        var golden = Convert.FromHexString(string.Concat(
            File.ReadAllLines(GoldenFile()).Select(static line => line.Split('#')[0].Replace(" ", "", StringComparison.Ordinal))));

        Assert.Equal(Convert.ToHexString(golden), Convert.ToHexString(Small().Snapshot()));

        var restored = new StoreUnderTest(sweep: 1);
        restored.Restore(new MemoryStream(golden), last: 100);
        var kvs = restored.Read(Given.Range("\0", "\0")).Kvs;
        Assert.Equal("a=2(c2 m3 v2 l7) c=3(c5 m5 v1 l0)", string.Join(' ', kvs.Select(Given.Format)));
    }

    [Fact]
    public void Every_truncation_is_rejected_and_changes_nothing()
    {
        var bytes = Small().Snapshot();
        for (var length = 0; length < bytes.Length; length++)
            AssertRejected(bytes[..length]);
    }

    [Fact]
    public void Every_flipped_bit_is_rejected_and_changes_nothing()
    {
        var bytes = Small().Snapshot();
        for (var bit = 0; bit < 8 * bytes.Length; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertRejected(bytes);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }

    /// <summary>With a checksum that is right: each field alone must not lead to another exception, or to a large allocation.</summary>
    [Fact]
    public void Wrong_bytes_with_a_right_checksum_are_rejected_or_restored()
    {
        var bytes = Small().Snapshot();
        var (rejected, restored) = (0, 0);
        for (var at = 0; at < bytes.Length - KvSnapshotFormat.ChecksumBytes; at++)
        {
            for (var value = 0; value < 256; value++)
            {
                var changed = bytes.AsSpan().ToArray();
                changed[at] = (byte)value;
                SetChecksum(changed);
                var store = new KvStore();
                var before = GC.GetAllocatedBytesForCurrentThread();
                try
                {
                    store.RestoreSnapshot(Last, new MemoryStream(changed));
                    restored++;
                }
                catch (KvSnapshotFormatException)
                {
                    rejected++;
                }

                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
            }
        }

        Assert.True(rejected > restored, $"{rejected} rejected, {restored} restored");
    }

    [Theory]
    [InlineData(1L << 20)]
    [InlineData(1L << 29)]
    public void A_length_that_the_bytes_do_not_have_allocates_little(long valueLength)
    {
        var bytes = new MemoryStream();
        var writer = new SnapshotWriter(bytes);
        writer.Bytes("QKVS"u8);
        foreach (var number in new long[] { 1, 5, 2, 0, 0, 1, 0, 0, 0 }) // up to the lease clock
            writer.Number((ulong)number);
        writer.Bytes(new byte[24]);
        foreach (var number in new[] { 3, 0, 1, 0, 0, 0, 0, 1, valueLength }) // version 2.0 of a new key of one byte
            writer.Number((ulong)number);
        writer.Finish();

        var before = GC.GetAllocatedBytesForCurrentThread();
        var error = Assert.Throws<KvSnapshotFormatException>(() => new KvStore().RestoreSnapshot(Last, new MemoryStream(bytes.ToArray())));
        Assert.Contains("truncated", error.Message, StringComparison.Ordinal);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1 << 20);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(65_535)]
    [InlineData(65_537)]
    public void A_stream_may_return_fewer_bytes_than_requested(int partBytes)
    {
        var store = new StoreUnderTest();
        for (var i = 0; i < 40; i++)
            store.Apply(Given.Put($"key {i}", new string((char)('a' + i), i * 800)));
        store.Apply(Given.Put("large", new string('x', 200_001)));
        var bytes = store.Snapshot();

        var restored = new StoreUnderTest();
        restored.Restore(new ShortReads(bytes, partBytes), last: 41);

        Assert.Equal(bytes, restored.Snapshot());
        Assert.Equal(store.Current.Hash(), restored.Current.Hash());
    }

    [Fact]
    public void A_snapshot_is_written_in_parts_of_64_KiB()
    {
        var store = new StoreUnderTest();
        store.Apply(Given.Put("large", new string('x', 1_000_000)));
        for (var i = 0; i < 1000; i++)
            store.Apply(Given.Put($"key {i}", new string('y', i)));
        using var snapshot = store.Store.CaptureSnapshot();
        var parts = new RecordedWrites();

        var before = GC.GetAllocatedBytesForCurrentThread();
        snapshot.WriteTo(parts);

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
        Assert.InRange(parts.LargestPart, 1, 64 * 1024);
        Assert.InRange(parts.Parts, 20, 30);
    }

    [Fact]
    public void A_snapshot_of_a_later_entry_is_rejected()
    {
        var bytes = Small().Snapshot();
        var error = Assert.Throws<KvSnapshotFormatException>(
            () => new KvStore().RestoreSnapshot(new EntryId(new Term(1), new LogIndex(3)), new MemoryStream(bytes)));
        Assert.Contains("restored at 3", error.Message, StringComparison.Ordinal);
    }

    /// <summary>The checksum of the bytes is right: they are those of a store whose memory had changed.</summary>
    [Fact]
    public void A_snapshot_whose_versions_are_not_those_that_were_written_is_rejected()
    {
        var bytes = Small().Snapshot();
        bytes[bytes.AsSpan().IndexOf("c3"u8) + 1] = (byte)'4';
        SetChecksum(bytes);

        var error = Assert.Throws<KvSnapshotFormatException>(() => new KvStore().RestoreSnapshot(Last, new MemoryStream(bytes)));
        Assert.Contains("other versions than those whose hashes it records", error.Message, StringComparison.Ordinal);
        Assert.Throws<KvSnapshotFormatException>(() => KvSnapshotContent.ReadSummary(new MemoryStream(bytes)));
    }

    [Fact]
    public void A_later_format_is_rejected_by_its_number()
    {
        var bytes = Small().Snapshot();
        bytes[4] = 2;
        SetChecksum(bytes);
        var error = Assert.Throws<KvSnapshotFormatException>(() => new KvStore().RestoreSnapshot(Last, new MemoryStream(bytes)));
        Assert.Contains("format 2, and this build reads format 1", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_the_stream_throws_passes_and_changes_nothing()
    {
        var store = Small();
        var before = store.Snapshot();
        Assert.Throws<NotSupportedException>(() => store.Store.RestoreSnapshot(Last, new RecordedWrites()));
        Assert.Equal(before, store.Snapshot());

        using var snapshot = store.Store.CaptureSnapshot();
        Assert.Throws<NotSupportedException>(() => snapshot.WriteTo(new ShortReads([], 1)));
    }

    [Fact]
    public void A_disposed_snapshot_is_not_written()
    {
        var snapshot = Small().Store.CaptureSnapshot();
        snapshot.Dispose();
        Assert.Throws<ObjectDisposedException>(() => snapshot.WriteTo(new MemoryStream()));
    }

    /// <summary>
    /// Each part of the format in a few bytes: versions, a deletion, an unswept compaction, leases with and without an anchor.
    /// </summary>
    private static StoreUnderTest Small()
    {
        var store = new StoreUnderTest(sweep: 1);
        store.Apply(new LeaseGrantRequest(7, 60));                                      // entry 1
        store.Apply(Given.Put("a", "1"));                                               // revision 2
        store.Apply(Given.Put("a", "2") with { Lease = 7 });                            // revision 3
        store.Apply(Given.Txn(then: [Given.Put("b", "x"), Given.Put("d", "")]));        // revision 4, two changes
        store.Apply(Given.Put("c", "3"));                                               // revision 5
        store.Apply(Given.Delete("b", "c"));                                            // revision 6
        store.Apply(Given.Delete("d"));                                                 // revision 7
        store.Apply(new LeaseClockAdvanceRequest(LogIndex.Zero, 500, 0));               // entry 8
        store.Apply(new LeaseClockAdvanceRequest(new LogIndex(8), 500, 400));           // entry 9: lease 7 has its anchor
        store.Apply(new LeaseGrantRequest(-2, 5));                                      // entry 10
        store.Apply(new CompactRequest(6));                                             // entry 11: one version is swept
        return store;
    }

    private static string GoldenFile([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "Golden", "kv-snapshot-v1.txt");

    private static void AssertRejected(byte[] bytes)
    {
        var store = new KvStore();
        Assert.Throws<KvSnapshotFormatException>(() => store.RestoreSnapshot(Last, new MemoryStream(bytes)));
        Assert.Equal((1, LogIndex.Zero, 0), (store.Current.Revision, store.Current.AppliedIndex, store.Current.KeyCount));
    }

    private static void SetChecksum(byte[] bytes)
    {
        var end = bytes.Length - KvSnapshotFormat.ChecksumBytes;
        var hash = uint.MaxValue;
        foreach (var b in bytes.AsSpan(0, end))
            hash = BitOperations.Crc32C(hash, b);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(end), ~hash);
    }

    /// <summary>A stream that can only be written, and records the sizes of the writes.</summary>
    private sealed class RecordedWrites : Stream
    {
        public int LargestPart { get; private set; }

        public int Parts { get; private set; }

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override void Write(byte[] buffer, int offset, int count) =>
            (Parts, LargestPart) = (Parts + 1, int.Max(LargestPart, count));

        public override void Flush() => throw new NotSupportedException();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
