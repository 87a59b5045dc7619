using CsCheck;
using Quorate.Kv.Tests.Properties;
using Quorate.Kv.Tree;

namespace Quorate.Kv.Tests.Snapshots;

/// <summary>A snapshot is summarized and converted without restoring it.</summary>
public sealed class SnapshotContentTests
{
    [Fact]
    public void A_summary_states_what_the_store_contains() =>
        Gen.Select(RequestGenerators.CompactingCommand.Array[0, 80], Gen.Int[0, 2]).Sample(
            (commands, sweep) =>
            {
                var store = new StoreUnderTest(sweep);
                foreach (var command in commands)
                    store.Apply(command);
                var snapshot = store.Snapshot();

                var summary = KvSnapshotContent.ReadSummary(new ShortReads(snapshot, partBytes: 7));

                var current = store.Current;
                Assert.Equal(
                    (current.Revision, current.CompactRevision, current.KeyCount, current.LeaseCount, current.AppliedIndex),
                    (summary.Revision, summary.CompactRevision, summary.KeyCount, summary.LeaseCount, summary.AppliedIndex));
                Assert.Equal(current.View.History.CountedEntries, summary.VersionCount);
                Assert.Equal(BitConverter.ToUInt32(snapshot.AsSpan(snapshot.Length - 4)), summary.Checksum);
            },
            iter: TestEffort.Of(500));

    [Fact]
    public void Bytes_that_are_no_snapshot_are_neither_summarized_nor_converted()
    {
        var store = new StoreUnderTest();
        store.Apply(new LeaseGrantRequest(7, 100));
        store.Apply(Given.Put("k", "v") with { Lease = 7 });
        store.Apply(Given.Delete("k"));
        var bytes = store.Snapshot();
        for (var bit = 0; bit < 8 * bytes.Length; bit++)
        {
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
            AssertRejected(bytes);
            bytes[bit / 8] ^= (byte)(1 << (bit % 8));
        }

        for (var length = 0; length < bytes.Length; length++)
            AssertRejected(bytes[..length]);
        AssertRejected([.. bytes, 0]);
    }

    /// <summary>The sweep of the compaction at the new revision goes on from wherever the backup has left it.</summary>
    [Fact]
    public void A_bumped_store_is_compacted_at_its_newest_revision_and_continues_behind_it() =>
        Gen.Select(
            RequestGenerators.CompactingCommand.Array[0, 60], RequestGenerators.CompactingCommand.Array[1, 40], Gen.Long[1, 1L << 40],
            Gen.Int[0, 2]).Sample(
            (before, after, bump, sweep) =>
            {
                var original = new StoreUnderTest(sweep);
                foreach (var command in before)
                    original.Apply(command);
                var bumped = new StoreUnderTest(sweep);
                bumped.Restore(new MemoryStream(Bump(original.Snapshot(), bump)), original.Current.AppliedIndex.Value);

                Assert.Equal(original.Current.Revision + bump, bumped.Current.Revision);
                Assert.Equal(bumped.Current.Revision, bumped.Current.CompactRevision);
                var all = Given.Range("\0", "\0");
                Assert.Equal(original.Read(all).Kvs.Select(Given.Format), bumped.Read(all).Kvs.Select(Given.Format));
                Assert.Equal(
                    KvError.Compacted, bumped.Current.Range(all with { Revision = bumped.Current.Revision - 1 }).Error);
                Assert.Equal(original.Current.Leases(), bumped.Current.Leases());

                // The bump and the compaction at it, as the other store sees them: both have the same hash after every further command.
                var reference = new StoreUnderTest(sweep: 100);
                reference.Restore(new MemoryStream(bumped.Snapshot()), bumped.Current.AppliedIndex.Value);
                foreach (var command in after.Where(static c => c is not CompactRequest))
                {
                    Assert.Equal(reference.ApplyAndFormat(command), bumped.ApplyAndFormat(command));
                    Assert.Equal(reference.Current.Hash(), bumped.Current.Hash());
                }

                TreeReader.CheckInvariants(bumped.Current.View.Keys);
                TreeReader.CheckInvariants(bumped.Current.View.History);
            },
            iter: TestEffort.Of(500));

    [Fact]
    public void A_bump_beyond_the_last_revision_is_rejected()
    {
        var snapshot = new StoreUnderTest().Snapshot();

        Assert.Throws<ArgumentOutOfRangeException>(() => Bump(snapshot, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => Bump(snapshot, long.MaxValue - 1));
        KvSnapshotContent.ReadSummary(new MemoryStream(Bump(snapshot, long.MaxValue - 2)));
    }

    private static byte[] Bump(byte[] snapshot, long bump)
    {
        var converted = new MemoryStream();
        KvSnapshotContent.CopyWithBumpedRevision(new ShortReads(snapshot, partBytes: 1000), converted, bump);
        return converted.ToArray();
    }

    private static void AssertRejected(byte[] bytes)
    {
        Assert.Throws<KvSnapshotFormatException>(() => KvSnapshotContent.ReadSummary(new MemoryStream(bytes)));
        Assert.Throws<KvSnapshotFormatException>(
            () => KvSnapshotContent.CopyWithBumpedRevision(new MemoryStream(bytes), Stream.Null, 10));
    }
}
