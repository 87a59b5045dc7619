using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;

namespace Quorate.Node.Tests.Snapshots;

/// <summary>
/// Power is lost at every single call to the storage. The newest snapshot that was reported as durable survives, or a newer one; every
/// snapshot that is found is complete; and the next process continues.
/// </summary>
public sealed class SnapshotPowerLossTests
{
    private static readonly (SnapshotId Id, byte[] Bytes) _ofPeer = SnapshotGiven.FileOfPeer(30, 3000);

    public static TheoryData<MemoryStoragePowerLossOutcome, int> Outcomes()
    {
        var data = new TheoryData<MemoryStoragePowerLossOutcome, int>
        {
            { MemoryStoragePowerLossOutcome.Dropped, 0 }, { MemoryStoragePowerLossOutcome.Kept, 0 },
        };
        for (var seed = 1; seed <= 12; seed++)
            data.Add(MemoryStoragePowerLossOutcome.Mixed, seed);
        return data;
    }

    [Theory]
    [MemberData(nameof(Outcomes))]
    public void A_power_loss_at_any_call_loses_no_durable_snapshot(MemoryStoragePowerLossOutcome outcome, int seed)
    {
        var (cuts, resumed) = (0, 0);
        for (var call = 0; RunUntilPowerLoss(new MemoryStorage(), call, out var disk, out var durable); call++, cuts++)
        {
            var left = disk.CopyAfterPowerLoss(outcome, (seed * 10_000) + call);
            resumed += AssertContinues(left, durable, $"power loss at call {call}, {outcome} {seed}") ? 1 : 0;
        }

        Assert.True(cuts > 100, $"only {cuts} calls to cut power at: the script is too short");
        Assert.True(resumed > 20, $"only {resumed} receptions were resumed");
    }

    [Fact]
    public void A_power_loss_after_another_one_loses_no_durable_snapshot()
    {
        for (var call = 0; RunUntilPowerLoss(new MemoryStorage(), call, out var disk, out var durable); call += 3)
        {
            var left = disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Mixed, call);
            for (var second = 0; RunUntilPowerLoss(left.Copy(), second, out var again, out var durableAgain); second += 5)
            {
                var leftAgain = again.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Mixed, second);
                AssertContinues(leftAgain, Math.Max(durable, durableAgain), $"power loss at call {call}, then at {second}");
            }
        }
    }

    /// <summary>
    /// The process is killed at each call, and the next one reads what it wrote, flushed or not. What that one finds or completes survives
    /// a power loss.
    /// </summary>
    [Fact]
    public void A_snapshot_found_after_a_kill_survives_a_power_loss()
    {
        var found = 0;
        for (var call = 0; RunUntilPowerLoss(new MemoryStorage(), call, out var disk, out var durable); call++)
        {
            var before = SnapshotGiven.OpenStore(disk).Newest;
            var after = SnapshotGiven.OpenStore(disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped)).Newest;
            Assert.True(after?.Id == before?.Id, $"a kill at call {call}: {before?.Last} was found and {after?.Last} was durable");
            found += before?.Last.Index.Value > durable ? 1 : 0;
            AssertContinues(disk, durable, $"a kill at call {call}");
        }

        Assert.True(found >= 3, $"only {found} snapshots were found that the killed process did not report as durable");
    }

    /// <summary>
    /// Each flush fails in turn, and the process ends. The next one reads what did not reach the disk, and no flush writes that any more
    /// (fsyncgate).
    /// </summary>
    [Fact]
    public void A_reception_resumed_after_a_failed_flush_survives_a_power_loss()
    {
        var (failed, resumed) = (true, 0);
        for (var flush = 1; failed; flush++)
        {
            var disk = new MemoryStorage();
            var flushes = 0;
            disk.BeforeCall = call =>
            {
                if (call.StartsWith("flush", StringComparison.Ordinal) && flushes++ == flush)
                    throw new DiskFlushException("I/O error");
            };
            failed = false;
            try
            {
                var store = SnapshotGiven.OpenStore(disk);
                var reception = store.BeginReceive(_ofPeer.Id);
                SnapshotGiven.Receive(reception, _ofPeer.Bytes);
                reception.Complete();
            }
            catch (DiskFlushException)
            {
                failed = true;
            }

            disk.BeforeCall = null;
            resumed += AssertContinues(disk, durable: 0, $"flush {flush} failed") ? 1 : 0;
        }

        Assert.True(resumed >= 3, $"only {resumed} receptions were resumed");
    }

    // Writes two snapshots, receives a third in two parts, and deletes the older ones in between.
    private static bool RunUntilPowerLoss(MemoryStorage storage, int call, out MemoryStorage disk, out ulong durable)
    {
        var calls = 0;
        (disk, durable) = (storage, 0);
        storage.BeforeCall = _ =>
        {
            if (calls++ >= call)
                throw new PowerLossException();
        };
        try
        {
            var store = SnapshotGiven.OpenStore(storage);
            durable = SnapshotGiven.Write(store, 10, 2500).Last.Index.Value;
            var reception = store.BeginReceive(_ofPeer.Id);
            SnapshotGiven.Receive(reception, _ofPeer.Bytes[..(int)Math.Max(reception.Offset, 1500)], 70);
            durable = SnapshotGiven.Write(store, 20, 900).Last.Index.Value;
            store.DeleteOlderThanNewest();
            reception.Dispose();

            store = SnapshotGiven.OpenStore(storage);
            reception = store.BeginReceive(_ofPeer.Id);
            SnapshotGiven.Receive(reception, _ofPeer.Bytes, 70);
            durable = reception.Complete().Last.Index.Value;
            store.DeleteOlderThanNewest();
            storage.BeforeCall = null;
            return false;
        }
        catch (PowerLossException)
        {
            storage.BeforeCall = null;
            return true;
        }
    }

    // Returns whether a reception was resumed after its beginning.
    private static bool AssertContinues(MemoryStorage disk, ulong durable, string when)
    {
        var store = SnapshotGiven.OpenStore(disk);
        var newest = store.Newest?.Last.Index.Value ?? 0;
        Assert.True(newest >= durable, $"{when}: the snapshot of entry {newest} is the newest, and that of {durable} was durable");
        Assert.True(store.Corruptions.IsEmpty, $"{when}: {store.Corruptions.FirstOrDefault()?.Message}");
        foreach (var name in disk.List())
        {
            Assert.False(SnapshotName.IsUnfinished(name), $"{when}: {name} is still there");
            if (SnapshotName.TryParse(name, out var last, out _))
                AssertComplete(disk, name, last.Value);
        }

        var resumed = false;
        if (store.Newest?.Id != _ofPeer.Id)
        {
            var reception = store.BeginReceive(_ofPeer.Id);
            resumed = reception.Offset > 0;
            SnapshotGiven.Receive(reception, _ofPeer.Bytes);
            reception.Complete();
        }

        store.DeleteOlderThanNewest();
        var left = disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped);
        store = SnapshotGiven.OpenStore(left);
        Assert.True(store.Newest?.Id == _ofPeer.Id, $"{when}: the received snapshot was lost in the next power loss");
        Assert.Equal(SnapshotGiven.Content(30, 3000), SnapshotGiven.Read(store, store.Newest!));
        return resumed;
    }

    private static void AssertComplete(MemoryStorage disk, string name, ulong index)
    {
        var alone = new MemoryStorage();
        SnapshotGiven.Put(alone, name, disk.BytesOf(name));
        var store = SnapshotGiven.OpenStore(alone);
        var expected = SnapshotGiven.Content(index, index switch { 10 => 2500, 20 => 900, _ => 3000 });
        Assert.Equal(expected, SnapshotGiven.Read(store, store.Newest!));
    }
}
