using Quorate.Node.Tests.Io;
using Quorate.Node.Wal;

namespace Quorate.Node.Tests.Wal;

/// <summary>
/// The power goes at every single call to the disk. What was acknowledged is there; of what was not, whole frames or nothing;
/// and the log goes on.
/// </summary>
public sealed class PowerCuts
{
    public static TheoryData<Unflushed, int> Leftovers()
    {
        var data = new TheoryData<Unflushed, int> { { Unflushed.Dropped, 0 }, { Unflushed.Kept, 0 } };
        for (var seed = 1; seed <= 12; seed++)
            data.Add(Unflushed.Mixed, seed);
        return data;
    }

    [Theory]
    [MemberData(nameof(Leftovers))]
    public void A_cut_at_any_call_loses_nothing_that_was_acknowledged(Unflushed policy, int seed)
    {
        var torn = 0;
        var cuts = 0;
        for (var call = 0; RunUntilCut(call, out var disk, out var script); call++, cuts++)
        {
            var left = disk.CrashedCopy(policy, seed * 10_000 + call);
            var found = Reopen(left, out var cut);
            Assert.True(script.Allows(found), $"cut at call {call}, {policy} {seed}: found {found.First} to {found.Last} with {found.HardState}, acknowledged {script.Acknowledged.First} to {script.Acknowledged.Last} with {script.Acknowledged.HardState}");
            GoOn(left, found);
            torn += cut is null ? 0 : 1;
        }

        Assert.True(cuts > 150, $"only {cuts} places to cut at: the script does not do what it should");
        if (policy == Unflushed.Mixed)
            Assert.True(torn > 20, $"only {torn} torn tails: the disk does not tear what it should");
    }

    /// <summary>Recovery writes too: the unfinished write is cleared away. A cut in the middle of that is a cut like any other.</summary>
    [Fact]
    public void A_cut_during_recovery_loses_nothing_either()
    {
        for (var call = 0; RunUntilCut(call, out var disk, out var script); call++)
        {
            var left = disk.CrashedCopy(Unflushed.Mixed, call);
            for (var second = 0; ; second++)
            {
                var recovering = left.Copy();
                recovering.Before = CutAt(second);
                try
                {
                    Reopen(recovering, out _);
                    break;
                }
                catch (PowerCutException)
                {
                    var again = recovering.CrashedCopy(Unflushed.Mixed, second);
                    var found = Reopen(again, out _);
                    Assert.True(script.Allows(found), $"cut at call {call}, then at call {second} of the recovery");
                    GoOn(again, found);
                }
            }
        }
    }

    private static bool RunUntilCut(int call, out MemoryDisk disk, out LogScript script)
    {
        disk = new MemoryDisk { Before = CutAt(call) };
        script = new LogScript(disk, Given.SmallSegments());
        try
        {
            script.Run();
            return false;
        }
        catch (PowerCutException)
        {
            disk.Before = null;
            return true;
        }
    }

    private static Action<string> CutAt(int call)
    {
        var calls = 0;
        return _ =>
        {
            if (calls++ == call)
                throw new PowerCutException();
        };
    }

    private static LogModel Reopen(MemoryDisk disk, out string? cut)
    {
        var (log, recovered) = WriteAheadLog.Open(disk, Given.SmallSegments());
        using var _ = log;
        cut = recovered.CutTail;
        return new LogModel(recovered.FirstIndex.Value, [.. Given.AllOf(log)], recovered.HardState);
    }

    // First one small frame, which covers less than what a torn one may have left behind it.
    private static void GoOn(MemoryDisk disk, LogModel found)
    {
        var options = Given.SmallSegments();
        foreach (var next in new[] { Given.Entries(found.Last + 1, found.Last + 1, term: 9), Given.Entries(found.Last + 2, found.Last + 20, term: 9, payloadBytes: 400) })
        {
            using (var log = WriteAheadLog.Open(disk, options).Log)
            {
                var batch = Given.Batch(options, next);
                batch.HardState(Given.Vote(9, 1));
                log.Commit(batch);
            }

            found = found.With(next);
            disk = disk.CrashedCopy(Unflushed.Dropped);
            var after = Reopen(disk, out var cut);
            Assert.Null(cut);
            Given.Same(found.Entries, after.Entries);
        }
    }
}
