using Quorate.Node.Snapshots;
using Quorate.Node.Storage;
using Quorate.Raft;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Tests.Disk;

/// <summary>
/// A process can read what its predecessor wrote of a snapshot, whether that was flushed or not. A snapshot that it reports as durable must
/// survive the next power cut all the same.
/// </summary>
public sealed class SnapshotDurabilityTests
{
    private const int ContentBytes = 5000;
    private static readonly (SnapshotId Id, byte[] Bytes) _ofPeer = WriteAtPeer();

    /// <summary>
    /// fsyncgate: a flush of the reception fails, and from then on the page cache is marked clean although the disk does not have its
    /// contents. The next process reads all of it.
    /// </summary>
    [Fact]
    public void A_reception_resumed_after_a_failed_flush_survives_a_power_loss()
    {
        var resumed = 0;
        for (var failing = 1; failing < 7; failing++)
        {
            var disk = NewDisk();
            var store = Open(disk);
            disk.FailFlush(failing);
            Assert.Throws<DiskFlushException>(() => Receive(store));

            disk.OnProcessStart();
            Assert.False(disk.FlushWillFail);
            resumed += AssertContinuesAndSurvives(disk) > 0 ? 1 : 0;
        }

        Assert.True(resumed > 3, $"only {resumed} receptions were resumed after their beginning");
    }

    /// <summary>The process is killed at each disk call in turn, the next one continues, and then the power fails.</summary>
    [Fact]
    public void A_reception_resumed_after_a_kill_survives_a_power_loss()
    {
        var (unflushed, resumed, kills) = (0, 0, 0);
        for (var isKilled = true; isKilled; kills++)
        {
            var disk = NewDisk();
            var store = Open(disk);
            disk.CutAfter(kills, isKill: true);
            isKilled = false;
            try
            {
                Receive(store);
            }
            catch (SimulatedCrashException)
            {
                isKilled = true;
            }

            disk.OnProcessStart();
            disk.ClearFaults();
            unflushed += disk.IsClean ? 0 : 1;
            resumed += AssertContinuesAndSurvives(disk) > 0 ? 1 : 0;
        }

        Assert.True(kills > 40 && unflushed > 30 && resumed > 30, $"{kills} kills, {unflushed} before a flush, {resumed} resumed");
    }

    /// <summary>A kill between the rename and the flush of the directory: the next process uses a name that is not durable yet.</summary>
    [Fact]
    public void A_snapshot_written_before_a_kill_survives_a_power_loss_once_it_was_found()
    {
        var (found, kills) = (0, 0);
        for (var isKilled = true; isKilled; kills++)
        {
            var disk = NewDisk();
            var store = Open(disk);
            disk.CutAfter(kills, isKill: true);
            isKilled = false;
            try
            {
                store.Write(_ofPeer.Id.Last, new Configuration([new NodeId(1)]), new View(), CancellationToken.None);
            }
            catch (SimulatedCrashException)
            {
                isKilled = true;
            }

            disk.OnProcessStart();
            disk.ClearFaults();
            if (Open(disk).Newest is not { } newest)
                continue;
            found++;
            AssertHas(disk.DurableCopy(), newest.Id);
        }

        Assert.True(kills > 20 && found >= 2, $"{kills} kills, {found} snapshots found");
    }

    /// <summary>A disk that is full for a moment: the process goes on, and the next attempt succeeds.</summary>
    [Fact]
    public void A_full_disk_leaves_no_file_behind()
    {
        var time = new VirtualTime();
        var disk = new SimulatedDisk(time, new RunCounters());
        var store = Open(disk);
        disk.FillUntil(1);
        Assert.Throws<IOException>(
            () => store.Write(_ofPeer.Id.Last, new Configuration([new NodeId(1)]), new View(), CancellationToken.None));
        Assert.Throws<IOException>(() => store.BeginReceive(_ofPeer.Id));
        Assert.Empty(disk.List());
        disk.ClearFaults();
        Receive(store);
        AssertHas(disk.DurableCopy(), _ofPeer.Id);
    }

    private static SimulatedDisk NewDisk() => new(new VirtualTime(), new RunCounters());

    private static SnapshotStore Open(SimulatedDisk disk)
    {
        var nonce = 100ul;
        return SnapshotStore.Open(disk, clusterId: 1, GroupId.First, new SnapshotOptions
        {
            ChunkBytes = 100, FlushBytes = 1000, GenerateNonce = () => nonce++,
        });
    }

    private static long Receive(SnapshotStore store)
    {
        var reception = store.BeginReceive(_ofPeer.Id);
        var start = reception.Offset;
        while (reception.Offset < _ofPeer.Bytes.Length)
        {
            var at = (int)reception.Offset;
            reception.Write(at, _ofPeer.Bytes.AsSpan(at, Math.Min(170, _ofPeer.Bytes.Length - at)));
        }

        reception.Complete();
        return start;
    }

    // Returns where the reception continued.
    private static long AssertContinuesAndSurvives(SimulatedDisk disk)
    {
        var store = Open(disk);
        var start = store.Newest is null ? Receive(store) : 0;
        AssertHas(disk.DurableCopy(), _ofPeer.Id);
        return start;
    }

    private static void AssertHas(SimulatedDisk disk, SnapshotId id)
    {
        var store = Open(disk);
        Assert.Equal(id, store.Newest?.Id);
        using var content = new MemoryStream();
        using var stream = store.OpenContent(store.Newest!);
        stream.CopyTo(content);
        Assert.Equal(Content(), content.ToArray());
    }

    private static (SnapshotId Id, byte[] Bytes) WriteAtPeer()
    {
        var disk = NewDisk();
        var store = Open(disk);
        var info = store.Write(
            new EntryId(new Term(2), new LogIndex(40)), new Configuration([new NodeId(1)]), new View(), CancellationToken.None);
        using var reader = store.OpenBytes(info.Id)!;
        var bytes = new byte[reader.Length];
        reader.Read(0, bytes);
        return (info.Id, bytes);
    }

    private static byte[] Content()
    {
        var content = new byte[ContentBytes];
        new Random(1).NextBytes(content);
        return content;
    }

    private sealed class View : IStateMachineSnapshot
    {
        public void WriteTo(Stream destination) => destination.Write(Content());

        public void Dispose()
        {
        }
    }
}
