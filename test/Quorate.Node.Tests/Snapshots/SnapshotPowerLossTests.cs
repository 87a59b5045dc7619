using Quorate.Node.Snapshots;
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
        Assert.True((store.Newest?.Last.Index.Value ?? 0) >= durable, $"{when}: {store.Newest?.Last} is the newest, {durable} was durable");
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
        Assert.Equal(_ofPeer.Id, store.Newest!.Id);
        Assert.Equal(SnapshotGiven.Content(30, 3000), SnapshotGiven.Read(store, store.Newest));
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
