using Quorate.Node.Driver;
using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Node.Tests.Driver;

/// <summary>The exception of a state machine that threw names exactly the entry: the way past it depends on that index.</summary>
public sealed class ApplierFailureTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(10)]
    [InlineData(2000)]
    public void The_exception_names_the_entry_within_its_batch(ulong bad)
    {
        var failure = Assert.Throws<StateMachineException>(() => Applier(new Throwing { AppliesUpTo = bad - 1 }).Replay(Commands(2000)));

        Assert.Equal(new EntryId(new Term(3), new LogIndex(bad)), failure.Entry);
        Assert.Equal($"The state machine threw while it applied entry {bad} of term 3: no", failure.Message);
        Assert.IsType<InvalidOperationException>(failure.InnerException);
    }

    [Fact]
    public void An_exception_of_BatchApplied_names_the_last_entry_of_the_batch()
    {
        var failure =
            Assert.Throws<StateMachineException>(() => Applier(new Throwing { PublishesUpTo = 1024 }).Replay(Commands(2000)));

        Assert.Equal(2000UL, failure.Entry.Index.Value);
        Assert.Equal("The state machine threw in BatchApplied, after entry 2000 of term 3: no", failure.Message);
    }

    [Fact]
    public void An_exception_that_names_no_entry_is_wrapped_by_one_that_does()
    {
        var thrown = new StateMachineException("mine");

        var failure = Assert.Throws<StateMachineException>(
            () => Applier(new Throwing { AppliesUpTo = 4, Failure = thrown }).Replay(Commands(10)));

        Assert.Equal(5UL, failure.Entry.Index.Value);
        Assert.Same(thrown, failure.InnerException);
    }

    private static Applier<int> Applier(Throwing stateMachine)
    {
        var (self, loop) = (new NodeId(1), new NoLoop());
        var hold = new GroupCommitHold(TimeProvider.System, loop);
        var proposals = new PendingProposals<int>(
            self, firstSequence: 0, queuedMax: 1, queuedBytesMax: 1, hold, new ThreadPoolCompletionDispatcher<ProposalResult<int>>(hold));
        return new(
            stateMachine, self, proposals, new PendingReads(pendingMax: 1), new DriverHarness.ManualWorker(), loop,
            Wal.Given.Features(new Storage.MemoryStorage()));
    }

    private static LogEntry[] Commands(int count) =>
    [
        .. Enumerable.Range(1, count).Select(i => new LogEntry(
            new EntryId(new Term(3), new LogIndex((ulong)i)), EntryKind.Command, new ProposalId(new NodeId(2), (ulong)i), new byte[1])),
    ];

    private sealed class Throwing : IStateMachine<int>
    {
        public ulong AppliesUpTo { get; init; } = ulong.MaxValue;

        public ulong PublishesUpTo { get; init; } = ulong.MaxValue;

        public Exception Failure { get; init; } = new InvalidOperationException("no");

        public int Apply(in CommittedCommand command) => command.Id.Index.Value > AppliesUpTo ? throw Failure : 0;

        public void BatchApplied(LogIndex last)
        {
            if (last.Value > PublishesUpTo)
                throw Failure;
        }
    }

    private sealed class NoLoop : ILoop
    {
        public void Signal()
        {
        }

        public void TryRunInline()
        {
        }
    }
}
