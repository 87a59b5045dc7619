using Quorate.Node.Io;
using Quorate.Node.Wal;
using Quorate.Raft;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Disk;

namespace Quorate.Verification.Tests.Disk;

/// <summary>
/// What a process wrote is seen by the next one whether it was flushed or not. The log must not vouch for it before it has made it durable, or the next
/// power cut takes away what was acknowledged. reliability F1, F3, F7, one after the other.
/// </summary>
public sealed class WhatIsReadIsNotYetDurable
{
    private static readonly WalOptions Options = new() { SegmentBytes = 16 * 1024, PayloadBytesMax = 4096, PrepareInBackground = false, DrawNonce = static () => 7 };

    /// <summary>The process is killed at each call of a commit in turn; the next one opens the log, and then the power goes.</summary>
    [Fact]
    public void What_the_log_holds_after_a_kill_is_there_after_a_power_cut()
    {
        var unflushed = 0;
        for (var call = 0; call < 4; call++)
        {
            var disk = Written();
            using (var log = WriteAheadLog.Open(disk, Options).Log)
            {
                disk.CutAfter(call);
                Assert.ThrowsAny<Exception>(() => log.Commit(Batch(2, term: 2)));
            }

            disk.NewProcess();
            unflushed += disk.IsClean ? 0 : 1;
            MustSurvive(disk);
        }

        Assert.True(unflushed > 0, "the kill came never between a write and its flush");
    }

    /// <summary>fsyncgate: the flush fails, the pages are clean from then on and hold what the disk does not.</summary>
    [Fact]
    public void What_the_log_holds_after_a_failed_flush_is_there_after_a_power_cut()
    {
        foreach (var changesTerm in new[] { false, true })
        {
            var disk = Written();
            using (var log = WriteAheadLog.Open(disk, Options).Log)
            {
                disk.NextFlushFails = true;
                Assert.Throws<DiskFlushException>(() => log.Commit(Batch(2, changesTerm ? 2UL : 1)));
            }

            disk.NewProcess();
            MustSurvive(disk);
        }
    }

    /// <summary>The write that never finished is cleared away, and just that cannot be flushed: the next start must clear it away again.</summary>
    [Fact]
    public void A_torn_write_that_could_not_be_cleared_away_is_not_forgotten()
    {
        var torn = 0;
        for (var seed = 0UL; seed < 20; seed++)
        {
            var disk = Written();
            using (var log = WriteAheadLog.Open(disk, Options).Log)
            {
                disk.CutAfter(1);
                Assert.ThrowsAny<Exception>(() => log.Commit(Batch(2, term: 1, payload: 3000)));
            }

            disk.PowerCut(Unflushed.Mixed, new Dice(seed));
            disk.NextFlushFails = true;
            try
            {
                using var log = WriteAheadLog.Open(disk, Options).Log;
            }
            catch (DiskFlushException)
            {
                torn++;
            }

            disk.NewProcess();
            disk.NextFlushFails = false;
            using (var log = WriteAheadLog.Open(disk, Options).Log)
                log.Commit(Batch(log.LastIndex.Value + 1, term: 1));
            MustSurvive(disk);
        }

        Assert.True(torn > 0, "no start met the failing flush");
    }

    private static void MustSurvive(SimulatedDisk disk)
    {
        var (log, found) = WriteAheadLog.Open(disk, Options);
        log.Dispose();

        var (again, left) = WriteAheadLog.Open(disk.DurableCopy(), Options);
        again.Dispose();
        Assert.Equal((found.HardState, found.LastIndex, found.LastTerm), (left.HardState, left.LastIndex, left.LastTerm));
    }

    private static SimulatedDisk Written()
    {
        var disk = new SimulatedDisk(new Tally());
        using var log = WriteAheadLog.Open(disk, Options).Log;
        log.Commit(Batch(1, term: 1));
        return disk;
    }

    private static WalBatch Batch(ulong index, ulong term, int payload = 100)
    {
        var batch = new WalBatch(Options);
        batch.HardState(new HardState(new Term(term), new NodeId(1)));
        batch.Append([new LogEntry(new EntryId(new Term(term), new LogIndex(index)), EntryKind.Command, default, new byte[payload])]);
        return batch;
    }
}
