using CsCheck;
using Quorate.Kv.Tests.Properties;
using Quorate.Kv.Tree;
using Quorate.Raft;

namespace Quorate.Kv.Tests.Snapshots;

/// <summary>
/// A store that was restored from a snapshot is indistinguishable from the one that wrote it, whatever happens to both later.
/// </summary>
public sealed class RestoredStoreTests
{
    // One or two versions a command leave most of a compaction unswept at the snapshot.
    private static readonly Gen<int> Sweep = Gen.Int[0, 2];

    [Fact]
    public void It_continues_exactly_as_the_original() =>
        Gen.Select(
            RequestGenerators.CompactingCommand.Array[0, 80], RequestGenerators.CompactingCommand.Array[1, 60],
            RequestGenerators.Range.Array[1, 4], Sweep).Sample(
            (before, after, reads, sweep) =>
            {
                var original = new StoreUnderTest(sweep);
                foreach (var command in before)
                    original.Apply(Current(command, original));
                var snapshot = original.Snapshot();
                var restored = new StoreUnderTest(sweep);
                restored.Apply(Given.Put("gone", "with the old state"));
                restored.Restore(new ShortReads(snapshot, partBytes: 7), original.Current.AppliedIndex.Value);

                AssertSameState(original, restored, reads);
                foreach (var command in after)
                {
                    var actual = Current(command, original);
                    Assert.Equal(FormatInOrder(original.Apply(actual)), FormatInOrder(restored.Apply(actual)));
                    AssertSameState(original, restored, reads);
                }

                TreeReader.CheckInvariants(restored.Current.View.Keys);
                TreeReader.CheckInvariants(restored.Current.View.History);
                TreeReader.CheckInvariants(restored.Current.View.Leases.Leases);
                TreeReader.CheckInvariants(restored.Current.View.Leases.Attached);
            },
            iter: TestEffort.Of(1500));

    /// <summary>The bytes depend on the state alone: not on the layout of the pages, nor on how commands were batched.</summary>
    [Fact]
    public void Equal_states_have_equal_bytes() =>
        Gen.Select(RequestGenerators.CompactingCommand.Array[0, 80], Gen.Int[1, 9], Sweep).Sample(
            (commands, batch, sweep) =>
            {
                var (one, other) = (new StoreUnderTest(sweep), new StoreUnderTest(sweep));
                for (var i = 0; i < commands.Length; i++)
                {
                    var command = Current(commands[i], one);
                    one.Apply(command);
                    other.ApplyInBatch(command);
                    if (i % batch == 0)
                        other.EndBatch();
                }

                other.EndBatch();
                Assert.Equal(one.Snapshot(), other.Snapshot());
            },
            iter: TestEffort.Of(1000));

    [Fact]
    public void A_large_store_continues_exactly_as_the_original()
    {
        var original = new StoreUnderTest();
        original.ApplyInBatch(new LeaseGrantRequest(-5, 100));
        original.ApplyInBatch(new LeaseGrantRequest(7, 100));
        for (var i = 0; i < 30_000; i++)
        {
            var key = $"key {i * 7919 % 10_000}";
            original.ApplyInBatch(i % 11 == 0
                ? Given.Delete(key)
                : Given.Put(key, new string('v', i % 100)) with { Lease = i % 13 == 0 ? -5 : i % 17 == 0 ? 7 : 0 });
        }

        original.ApplyInBatch(Given.Put("large", new string('x', 300_000)));
        original.ApplyInBatch(new CompactRequest(20_000));
        original.EndBatch();

        var restored = new StoreUnderTest();
        restored.Restore(new MemoryStream(original.Snapshot()), original.Current.AppliedIndex.Value);
        AssertSameState(original, restored, []);
        for (var i = 0; i < 6_000; i++)
        {
            var command = i % 5 == 0 ? (KvRequest)Given.Delete($"key {i}") : Given.Put($"key {i * 7}", "new");
            Assert.Equal(original.ApplyAndFormat(command), restored.ApplyAndFormat(command));
        }

        Assert.Equal(original.ApplyAndFormat(new LeaseRevokeRequest(-5)), restored.ApplyAndFormat(new LeaseRevokeRequest(-5)));
        AssertSameState(original, restored, []);
        TreeReader.CheckInvariants(restored.Current.View.Keys);
        TreeReader.CheckInvariants(restored.Current.View.History);
    }

    [Fact]
    public void A_snapshot_does_not_contain_what_is_applied_after_its_capture()
    {
        var store = new StoreUnderTest();
        store.Apply(Given.Put("k", "before"));
        var expected = store.Snapshot();
        using var captured = store.Store.CaptureSnapshot();

        store.Apply(Given.Put("k", "after"));
        store.Apply(Given.Put("l", "after"));

        var written = new MemoryStream();
        captured.WriteTo(written);
        Assert.Equal(expected, written.ToArray());
    }

    /// <summary>The node writes a snapshot on a background thread while the applier changes the store.</summary>
    [Fact]
    public async Task A_snapshot_that_is_written_while_commands_are_applied_has_the_bytes_of_its_capture()
    {
        var store = new StoreUnderTest();
        for (var i = 0; i < 20_000; i++)
            store.ApplyInBatch(Given.Put($"key {i % 5_000}", new string('v', i % 200)));
        store.EndBatch();
        var expected = store.Snapshot();

        for (var round = 0; round < 5; round++)
        {
            using var captured = store.Store.CaptureSnapshot();
            var written = new MemoryStream();
            var writing = Task.Run(() => captured.WriteTo(written), TestContext.Current.CancellationToken);
            var i = 0;
            do
            {
                store.ApplyInBatch(i % 3 == 0 ? Given.Delete($"key {i % 5_000}") : Given.Put($"key {i * 7 % 5_000}", $"{round}"));
                if (i % 50 == 0)
                    store.Apply(new CompactRequest(store.Revision - 10));
            }
            while (++i < 2_000 || !writing.IsCompleted);
            await writing;
            store.EndBatch();

            Assert.True(expected.AsSpan().SequenceEqual(written.ToArray()));
            expected = store.Snapshot();
        }
    }

    [Fact]
    public void A_view_that_was_taken_before_a_restore_stays_as_it_is()
    {
        var store = new StoreUnderTest();
        store.Apply(Given.Put("k", "old"));
        var view = store.Current;
        var other = new StoreUnderTest();
        other.Apply(Given.Put("k", "new"));
        other.Apply(Given.Put("k", "newer"));

        store.Restore(new MemoryStream(other.Snapshot()), last: 2);

        Assert.Equal("old", Given.Text(view.Get("k"u8)!.Value.Value));
        Assert.Equal("newer", Given.Text(store.Current.Get("k"u8)!.Value.Value));
        Assert.Equal(new LogIndex(2), store.Current.AppliedIndex);
    }

    /// <summary>An advance of the lease clock has an effect only if it names the last one, which the generator cannot know.</summary>
    private static KvRequest Current(KvRequest command, StoreUnderTest store) =>
        command is LeaseClockAdvanceRequest { Base.Value: < 25 } advance
            ? advance with { Base = store.Store.LeaseClock.LastAdvance }
            : command;

    private static void AssertSameState(StoreUnderTest original, StoreUnderTest restored, RangeRequest[] reads)
    {
        Assert.Equal(Convert.ToHexString(original.Snapshot()), Convert.ToHexString(restored.Snapshot()));
        var (a, b) = (original.Current, restored.Current);
        Assert.Equal(a.Hash(), b.Hash());
        Assert.Equal(original.Store.StateHash, restored.Store.StateHash);
        Assert.Null(a.HashKv(0, out var hashA));
        Assert.Null(b.HashKv(0, out var hashB));
        Assert.Equal(hashA, hashB);
        Assert.Equal(
            (a.Revision, a.CompactRevision, a.AppliedIndex, a.KeyCount, a.SizeBytes),
            (b.Revision, b.CompactRevision, b.AppliedIndex, b.KeyCount, b.SizeBytes));
        Assert.Equal((a.LeaseClock, a.LeaseCount, Given.Leases(a)), (b.LeaseClock, b.LeaseCount, Given.Leases(b)));
        foreach (var read in reads)
            Assert.Equal(Given.Format(a.Range(read)), Given.Format(b.Range(read)));
        var everything = new WatchEventRequest(KeyInterval.All) { PrevKv = true };
        var oldest = long.Max(a.CompactRevision, 0);
        if (a.KeyCount < 100)
            Assert.Equal(Given.Events(a, everything, oldest), Given.Events(b, everything, oldest));
    }

    /// <summary>As <see cref="Given.Format(KvResult)"/>, with anchored leases in the order in which the response has them.</summary>
    private static string FormatInOrder(KvResult result) =>
        result.Response is LeaseClockAdvanceResponse advance
            ? $"{Given.Format(result)} {string.Join(' ', advance.Anchored)}"
            : Given.Format(result);
}
