using Quorate.Node.Storage;
using Quorate.Node.Wal;
using Quorate.Raft;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Tests.Disk;

/// <summary>
/// A process can read what its predecessor wrote, whether that was flushed or not. Recovery must make it durable before the log reports it
/// as durable; otherwise the next power cut loses acknowledged entries.
/// </summary>
public sealed class WalRecoveryDurabilityTests
{
    private static readonly WalOptions Options =
        new() { SegmentBytes = 16 * 1024, PayloadBytesMax = 4096, PreallocateInBackground = false, GenerateNonce = static () => 7 };

    /// <summary>A segment with this number of entries of 1000 bytes has no room for another frame.</summary>
    private const ulong EntriesPerSegment = 10;

    /// <summary>
    /// The process is killed at each disk call of an append in turn; the next process opens the log, and then the power fails.
    /// </summary>
    [Fact]
    public void A_log_recovered_after_a_kill_survives_a_power_loss()
    {
        var unflushed = 0;
        for (var call = 0; call < 4; call++)
        {
            var disk = CreateDiskWithOneEntry();
            using (var log = OpenLog(disk, Options).Log)
            {
                disk.CutAfter(call);
                Assert.ThrowsAny<Exception>(() => log.AppendAndFlush(Batch(2, term: 2)));
            }

            disk.OnProcessStart();
            unflushed += disk.IsClean ? 0 : 1;
            AssertSurvivesPowerLoss(disk);
        }

        Assert.True(unflushed > 0, "no kill came between a write and its flush");
    }

    /// <summary>
    /// fsyncgate: the flush fails, and from then on the page cache is marked clean although the disk does not have its contents.
    /// </summary>
    [Fact]
    public void A_log_recovered_after_a_failed_flush_survives_a_power_loss()
    {
        foreach (var changesTerm in new[] { false, true })
        {
            var disk = CreateDiskWithOneEntry();
            using (var log = OpenLog(disk, Options).Log)
            {
                disk.FailFlush();
                Assert.Throws<DiskFlushException>(() => log.AppendAndFlush(Batch(2, changesTerm ? 2UL : 1)));
            }

            disk.OnProcessStart();
            AssertSurvivesPowerLoss(disk);
        }
    }

    /// <summary>Recovery zeroes a torn write, and the flush of the zeroes fails: the next start must zero it again.</summary>
    [Fact]
    public void A_torn_write_whose_removal_failed_is_removed_at_the_next_start()
    {
        var torn = 0;
        for (var seed = 0UL; seed < 20; seed++)
        {
            var disk = CreateDiskWithOneEntry();
            using (var log = OpenLog(disk, Options).Log)
            {
                disk.CutAfter(1);
                Assert.ThrowsAny<Exception>(() => log.AppendAndFlush(Batch(2, term: 1, payload: 3000)));
            }

            disk.LosePower(PowerLossOutcome.Mixed, new Prng(seed));
            disk.FailFlush();
            try
            {
                using var log = OpenLog(disk, Options).Log;
            }
            catch (DiskFlushException)
            {
                torn++;
            }

            disk.OnProcessStart();
            disk.ClearFaults();
            using (var log = OpenLog(disk, Options).Log)
                log.AppendAndFlush(Batch(log.LastIndex.Value + 1, term: 1));
            AssertSurvivesPowerLoss(disk);
        }

        Assert.True(torn > 0, "no start hit the failing flush");
    }

    /// <summary>
    /// Recovery zeroes a torn write, and the process is killed before the zeroes are flushed: the next process reads zeroes. Its own flush
    /// fails, and the kernel marks the pages clean. So the third process cannot know what the disk still holds after the end of the log.
    /// </summary>
    [Fact]
    public void A_torn_write_left_by_two_failed_starts_is_removed_by_the_third()
    {
        var failedStarts = 0;
        for (var seed = 0UL; seed < 12; seed++)
        {
            foreach (var (payload, before) in new[] { (3000, 1UL), (1000, 1UL), (3000, 0UL), (4000, EntriesPerSegment) })
            {
                for (var (kill, failing) = (0, 0); kill < 8; (kill, failing) = failing == 4 ? (kill + 1, 0) : (kill, failing + 1))
                {
                    var disk = CreateDiskWithTornFrame(before, payload, seed);
                    disk.CutAfter(kill, isKill: true);
                    Assert.True(TryOpenLog(disk) || disk.IsOff);
                    disk.OnProcessStart();
                    disk.FailFlush(failing);
                    failedStarts += TryOpenLog(disk) ? 0 : 1;
                    disk.OnProcessStart();
                    disk.ClearFaults();

                    // Smaller than the torn write, so it does not overwrite all of its remains.
                    using (var log = OpenLog(disk, Options).Log)
                        log.AppendAndFlush(Batch(log.LastIndex.Value + 1, term: 1, payload: 10));
                    disk.LosePower(PowerLossOutcome.Dropped, new Prng(seed));
                    AssertSurvivesPowerLoss(disk);
                    Assert.False(disk.FlushWillFail);
                }
            }
        }

        Assert.True(failedStarts > 0, "no start hit the failing flush");
    }

    private static (WriteAheadLog Log, RecoveredLog Recovered) OpenLog(SimulatedDisk disk, WalOptions options) => WriteAheadLog.Open(
        disk, options, IdentityFile.Open(disk, clusterId: 1, new NodeId(1), new Configuration([new NodeId(1)]), drawId: static () => 7));

    private static bool TryOpenLog(SimulatedDisk disk)
    {
        try
        {
            OpenLog(disk, Options).Log.Dispose();
            return true;
        }
        catch (Exception e) when (e is DiskFlushException or SimulatedCrashException)
        {
            return false;
        }
    }

    // The power failed while the last frame was being written.
    private static SimulatedDisk CreateDiskWithTornFrame(ulong entries, int payload, ulong seed)
    {
        var disk = new SimulatedDisk(new VirtualTime(), new RunCounters());
        using var log = OpenLog(disk, Options).Log;
        for (var index = 1UL; index <= entries; index++)
            log.AppendAndFlush(Batch(index, term: 1, payload: 1000));

        // Cut at the frame's own flush. Before it, the first batch saves the term (three calls), and a batch that needs a new segment
        // creates it (five).
        disk.CutAfter(entries == 0 ? 4 : entries == EntriesPerSegment ? 6 : 1);
        Assert.Throws<SimulatedCrashException>(() => log.AppendAndFlush(Batch(entries + 1, term: 1, payload)));
        Assert.Equal(entries == EntriesPerSegment ? 2 : 1, disk.List().Count(static n => n.EndsWith(".log", StringComparison.Ordinal)));
        disk.LosePower(PowerLossOutcome.Mixed, new Prng(seed));
        return disk;
    }

    private static void AssertSurvivesPowerLoss(SimulatedDisk disk)
    {
        var (log, found) = OpenLog(disk, Options);
        log.Dispose();

        var (again, left) = OpenLog(disk.DurableCopy(), Options);
        again.Dispose();
        Assert.Equal((found.HardState, found.LastIndex, found.LastTerm), (left.HardState, left.LastIndex, left.LastTerm));
    }

    private static SimulatedDisk CreateDiskWithOneEntry()
    {
        var disk = new SimulatedDisk(new VirtualTime(), new RunCounters());
        using var log = OpenLog(disk, Options).Log;
        log.AppendAndFlush(Batch(1, term: 1));
        return disk;
    }

    private static WalBatch Batch(ulong index, ulong term, int payload = 100)
    {
        var batch = new WalBatch(Options);
        batch.SetHardState(new HardState(new Term(term), new NodeId(1)));
        batch.Append([new LogEntry(new EntryId(new Term(term), new LogIndex(index)), EntryKind.Command, default, new byte[payload])]);
        return batch;
    }
}
