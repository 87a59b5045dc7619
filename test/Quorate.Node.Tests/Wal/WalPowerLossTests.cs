using Quorate.Node.Tests.Storage;

namespace Quorate.Node.Tests.Wal;

/// <summary>
/// Power is lost at every single call to the storage. Acknowledged entries survive; of others, whole frames or nothing; and the log
/// continues.
/// </summary>
public sealed class WalPowerLossTests
{
    public static TheoryData<MemoryStoragePowerLossOutcome, int> Outcomes()
    {
        var data =
            new TheoryData<MemoryStoragePowerLossOutcome, int>
            {
                { MemoryStoragePowerLossOutcome.Dropped, 0 }, { MemoryStoragePowerLossOutcome.Kept, 0 }
            };
        for (var seed = 1; seed <= 12; seed++)
            data.Add(MemoryStoragePowerLossOutcome.Mixed, seed);
        return data;
    }

    [Theory]
    [MemberData(nameof(Outcomes))]
    public void A_power_loss_at_any_call_loses_no_acknowledged_entry(MemoryStoragePowerLossOutcome policy, int seed)
    {
        var torn = 0;
        var cuts = 0;
        for (var call = 0; RunUntilPowerLoss(call, out var disk, out var script); call++, cuts++)
        {
            var left = disk.CopyAfterPowerLoss(policy, seed * 10_000 + call);
            var found = Reopen(left, out var truncatedTail);
            var acknowledged = script.Acknowledged;
            Assert.True(
                script.Allows(found),
                $"power loss at call {call}, {policy} {seed}: found {found.First} to {found.Last} with {found.HardState}, " +
                $"acknowledged {acknowledged.First} to {acknowledged.Last} with {acknowledged.HardState}");
            ContinueWriting(left, found);
            torn += truncatedTail is null ? 0 : 1;
        }

        Assert.True(cuts > 150, $"only {cuts} calls to cut power at: the script is too short");
        if (policy == MemoryStoragePowerLossOutcome.Mixed)
            Assert.True(torn > 20, $"only {torn} torn tails: the storage tears too few writes");
    }

    /// <summary>Recovery writes too, to clear the unfinished write. A power loss in the middle of that is handled like any other.</summary>
    [Fact]
    public void A_power_loss_during_recovery_loses_no_acknowledged_entry()
    {
        for (var call = 0; RunUntilPowerLoss(call, out var disk, out var script); call++)
        {
            var left = disk.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Mixed, call);
            for (var second = 0; ; second++)
            {
                var recovering = left.Copy();
                recovering.BeforeCall = PowerLossAt(second);
                try
                {
                    Reopen(recovering, out _);
                    break;
                }
                catch (PowerLossException)
                {
                    var again = recovering.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Mixed, second);
                    var found = Reopen(again, out _);
                    Assert.True(script.Allows(found), $"cut at call {call}, then at call {second} of the recovery");
                    ContinueWriting(again, found);
                }
            }
        }
    }

    private static bool RunUntilPowerLoss(int call, out MemoryStorage storage, out WalScript script)
    {
        storage = new MemoryStorage { BeforeCall = PowerLossAt(call) };
        script = new WalScript(storage, Given.SmallSegments());
        try
        {
            script.Run();
            return false;
        }
        catch (PowerLossException)
        {
            storage.BeforeCall = null;
            return true;
        }
    }

    private static Action<string> PowerLossAt(int call)
    {
        var calls = 0;
        return _ =>
        {
            if (calls++ == call)
                throw new PowerLossException();
        };
    }

    private static WalModel Reopen(MemoryStorage storage, out string? truncatedTail)
    {
        var (log, recovered) = Given.OpenLog(storage, Given.SmallSegments());
        using var _ = log;
        truncatedTail = recovered.TruncatedTail;
        return new WalModel(recovered.FirstIndex.Value, [.. Given.ReadAll(log)], recovered.HardState);
    }

    // First one small frame, which covers less than a torn frame may have left after it.
    private static void ContinueWriting(MemoryStorage storage, WalModel found)
    {
        var options = Given.SmallSegments();
        foreach (var next in new[]
        {
            Given.Entries(found.Last + 1, found.Last + 1, term: 9),
            Given.Entries(found.Last + 2, found.Last + 20, term: 9, payloadBytes: 400)
        })
        {
            using (var log = Given.OpenLog(storage, options).Log)
            {
                var batch = Given.Batch(options, next);
                batch.SetHardState(Given.Vote(9, 1));
                log.AppendAndFlush(batch);
            }

            found = found.With(next);
            storage = storage.CopyAfterPowerLoss(MemoryStoragePowerLossOutcome.Dropped);
            var after = Reopen(storage, out var truncatedTail);
            Assert.Null(truncatedTail);
            Given.AssertSameEntries(found.Entries, after.Entries);
        }
    }
}
