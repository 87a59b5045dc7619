using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary>
/// <see cref="PendingReads"/>: the driver issues requests and records results, the applier completes reads, the shutdown rejects them.
/// </summary>
public sealed class PendingReadsTests
{
    [Fact]
    public void A_granted_read_completes_only_after_its_index_is_applied() => CoyoteTestRunner.Explore(300, () =>
    {
        var table = new PendingReads(pendingMax: 3);
        var applied = 0UL;
        var (early, earlyTicket) = Issue(table);
        var (rejected, rejectedTicket) = Issue(table);
        var (late, lateTicket) = Issue(table);

        Given.RunConcurrently(
            () =>
            {
                table.OnReadIndexResult(new ReadIndexResult(earlyTicket, new LogIndex(1), null));
                table.OnReadIndexResult(new ReadIndexResult(rejectedTicket, LogIndex.Zero, RejectReason.NoLeader));
                table.OnReadIndexResult(new ReadIndexResult(lateTicket, new LogIndex(3), null));
            },
            () =>
            {
                for (var index = 1UL; index <= 3; index++)
                {
                    Volatile.Write(ref applied, index);
                    table.OnApplied(new LogIndex(index));
                }
            },
            () => Granted(early, 1),
            () => Granted(late, 3));

        Assert.Equal(RejectReason.NoLeader, rejected.Task.GetAwaiter().GetResult().Reason);

        void Granted(PendingRead waiter, ulong index)
        {
            Assert.True(waiter.Task.GetAwaiter().GetResult().IsGranted);
            Assert.True(Volatile.Read(ref applied) >= index);
        }
    });

    [Fact]
    public void Shutdown_completes_every_pending_read() => CoyoteTestRunner.Explore(300, () =>
    {
        var table = new PendingReads(pendingMax: 4);
        var (applied, appliedTicket) = Issue(table);
        var (granted, grantedTicket) = Issue(table);
        var (issued, _) = Issue(table);
        Assert.True(table.TryAdd(out var arrived));

        Given.RunConcurrently(
            () =>
            {
                // The driver receives two results, one of them too late to be applied, and stops.
                table.OnReadIndexResult(new ReadIndexResult(appliedTicket, new LogIndex(1), null));
                table.OnReadIndexResult(new ReadIndexResult(grantedTicket, new LogIndex(2), null));
                table.FailAll(new NodeStoppedException());
            },
            () => table.OnApplied(new LogIndex(1)),
            () => applied.Cancel());

        Assert.True(applied.Task.IsCompleted);
        foreach (var read in new[] { granted, issued, arrived })
            Assert.IsType<NodeStoppedException>(read.Task.Exception?.InnerException);
        Assert.Equal(0, table.Count);
    });

    /// <summary>The count is decremented on the thread that completes a read, and incremented on the one that issues it.</summary>
    [Fact]
    public void The_limit_of_pending_reads_holds() => CoyoteTestRunner.Explore(300, () =>
    {
        const int Max = 2;
        var table = new PendingReads(Max);
        var (taken, completed) = (0, 0);

        Given.RunConcurrently(Client, Client, Client);

        Assert.True(table.TryAdd(out _));
        Assert.True(table.TryAdd(out _));
        Assert.False(table.TryAdd(out _));

        void Client()
        {
            for (var i = 0; i < 2; i++)
            {
                if (!table.TryAdd(out var waiter))
                    continue;
                Assert.True(Interlocked.Increment(ref taken) - Volatile.Read(ref completed) <= Max);
                Interlocked.Increment(ref completed);
                waiter.Cancel();
            }
        }
    });

    private static (PendingRead Waiter, ulong Ticket) Issue(PendingReads table)
    {
        Assert.True(table.TryAdd(out var waiter));
        Assert.True(table.TryIssue(out var ticket));
        return (waiter, ticket);
    }
}
