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
        var table = new ReadTable(waitersMax: 3);
        var applied = 0UL;
        var (early, earlyTicket) = Ask(table);
        var (refused, refusedTicket) = Ask(table);
        var (late, lateTicket) = Ask(table);

        Given.Together(
            () =>
            {
                table.Answer(new ReadIndexResult(earlyTicket, new LogIndex(1), null));
                table.Answer(new ReadIndexResult(refusedTicket, LogIndex.Zero, RejectReason.NoLeader));
                table.Answer(new ReadIndexResult(lateTicket, new LogIndex(3), null));
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

        void Granted(ReadWaiter waiter, ulong index)
        {
            Assert.True(waiter.Task.GetAwaiter().GetResult().IsGranted);
            Assert.True(Volatile.Read(ref applied) >= index);
        }
    });

    [Fact]
    public void The_end_leaves_no_reader_waiting() => Schedules.Explore(300, () =>
    {
        var table = new ReadTable(waitersMax: 4);
        var (applied, appliedTicket) = Ask(table);
        var (granted, grantedTicket) = Ask(table);
        var (asked, _) = Ask(table);
        Assert.True(table.TryAdd(out var arrived));

        Given.Together(
            () =>
            {
                // The loop: hears of two answers, of which one comes too late to be applied, and stops.
                table.Answer(new ReadIndexResult(appliedTicket, new LogIndex(1), null));
                table.Answer(new ReadIndexResult(grantedTicket, new LogIndex(2), null));
                table.RejectAll(RejectReason.NotLeader);
            },
            () => table.Applied(new LogIndex(1)),
            () => applied.Answer(ReadResult.TimedOut));

        applied.Task.GetAwaiter().GetResult();
        Assert.False(granted.Task.GetAwaiter().GetResult().IsGranted);
        Assert.False(asked.Task.GetAwaiter().GetResult().IsGranted);
        Assert.False(arrived.Task.GetAwaiter().GetResult().IsGranted);
    });

    /// <summary>The count goes down on the thread of whoever answers, and up on that of whoever asks.</summary>
    [Fact]
    public void No_more_wait_than_may_and_each_who_has_an_answer_leaves_room() => Schedules.Explore(300, () =>
    {
        const int Max = 2;
        var table = new ReadTable(Max);
        var (taken, gone) = (0, 0);

        Given.Together(Client, Client, Client);

        Assert.True(table.TryAdd(out _));
        Assert.True(table.TryAdd(out _));
        Assert.False(table.TryAdd(out _));

        void Client()
        {
            for (var i = 0; i < 2; i++)
            {
                if (!table.TryAdd(out var waiter))
                    continue;
                Assert.True(Interlocked.Increment(ref taken) - Volatile.Read(ref gone) <= Max);
                Interlocked.Increment(ref gone);
                waiter.Answer(ReadResult.TimedOut);
            }
        }
    });

    private static (ReadWaiter Waiter, ulong Ticket) Ask(ReadTable table)
    {
        Assert.True(table.TryAdd(out var waiter));
        Assert.True(table.TryAsk(out var ticket));
        return (waiter, ticket);
    }
}
