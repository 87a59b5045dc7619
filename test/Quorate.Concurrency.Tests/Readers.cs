using Quorate.Node;
using Quorate.Node.Groups;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="ReadTable"/>: the loop asks and answers, the applier releases, the end refuses.</summary>
public sealed class Readers
{
    [Fact]
    public void A_granted_reader_is_released_once_its_index_is_applied_and_never_before() => Schedules.Explore(300, () =>
    {
        var table = new ReadTable();
        var applied = 0UL;
        var (early, late, refused) = (new ReadWaiter(), new ReadWaiter(), new ReadWaiter());

        Given.Together(
            () =>
            {
                Answer(early, index: 1, reason: null);
                Answer(refused, index: 0, RejectReason.NoLeader);
                Answer(late, index: 3, reason: null);
            },
            () =>
            {
                for (var index = 1UL; index <= 3; index++)
                {
                    Volatile.Write(ref applied, index);
                    table.Applied(new LogIndex(index));
                }
            },
            () => Granted(early, 1),
            () => Granted(late, 3));

        Assert.Equal(RejectReason.NoLeader, refused.Task.GetAwaiter().GetResult().Reason);

        void Answer(ReadWaiter waiter, ulong index, RejectReason? reason)
        {
            List<ReadWaiter> waiters = [waiter];
            table.Answer(new ReadAnswer(table.Ask(ref waiters), new LogIndex(index), reason));
        }

        void Granted(ReadWaiter waiter, ulong index)
        {
            Assert.True(waiter.Task.GetAwaiter().GetResult().IsGranted);
            Assert.True(Volatile.Read(ref applied) >= index);
        }
    });

    [Fact]
    public void The_end_leaves_no_reader_waiting() => Schedules.Explore(300, () =>
    {
        var table = new ReadTable();
        var (applied, granted, asked) = (new ReadWaiter(), new ReadWaiter(), new ReadWaiter());

        Given.Together(
            () =>
            {
                // The loop: asks, hears of two answers, of which one comes too late to be applied, and stops.
                table.Answer(new ReadAnswer(Ask(applied), new LogIndex(1), null));
                table.Answer(new ReadAnswer(Ask(granted), new LogIndex(2), null));
                Ask(asked);
                table.RejectAll(RejectReason.NotLeader);
            },
            () => table.Applied(new LogIndex(1)),
            () => applied.TrySetResult(ReadResult.TimedOut));

        applied.Task.GetAwaiter().GetResult();
        Assert.False(granted.Task.GetAwaiter().GetResult().IsGranted);
        Assert.False(asked.Task.GetAwaiter().GetResult().IsGranted);

        ulong Ask(ReadWaiter waiter)
        {
            List<ReadWaiter> waiters = [waiter];
            return table.Ask(ref waiters);
        }
    });
}
