using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="ProposalQueue"/>: many clients, one loop, a bound.</summary>
public sealed class ProposalQueueTests
{
    private const int Max = 2;

    /// <summary>The first caller proposes again when it is told, the last does not, and somebody else proposes meanwhile. No clock ticks here: only a wake ends the waiting.</summary>
    [Fact]
    public void Held_proposals_are_taken_without_a_tick() => Schedules.Explore(1000, async () =>
    {
        var wake = new WakeSignal();
        var answersFirst = new GroupCommitHold(Given.FrozenClock, wake.Set);
        var inbox = new ProposalQueue(proposalsMax: 8, proposalBytesMax: 1 << 20, answersFirst);
        var answers = new ThreadPoolCompletionDispatcher<ProposalResult<int>>(answersFirst);
        var table = new PendingProposals<int>(Given.Self, firstSequence: 0, answers);
        List<(ulong, ProposalResult<int>)> outcomes = [];
        var first = ProposeAgainAsync(Register());
        var last = Register();

        Given.RunConcurrently(
            () => table.Complete(outcomes),
            Propose,
            () =>
            {
                var (batch, withdrawn) = (new ProposalBatch(), new List<ulong>());
                for (var taken = 0; taken < 2;)
                {
                    wake.Wait();
                    inbox.Drain(ref batch, ref withdrawn);
                    taken += batch.Count;
                    batch.Clear();
                }
            });
        await first;
        await last;

        Task<ProposalResult<int>> Register()
        {
            outcomes.Add((table.Register(out var outcome).Sequence, ProposalResult<int>.Indeterminate));
            return outcome;
        }

        async Task ProposeAgainAsync(Task<ProposalResult<int>> outcome)
        {
            await outcome.ConfigureAwait(false);
            Propose();
        }

        void Propose()
        {
            Assert.True(inbox.TryAdd(new byte[1], table, out _, out _));
            answersFirst.Signal();
        }
    });

    /// <summary>The worst that a caller can do: where it is told, it blocks until somebody else's proposal has been taken.</summary>
    [Fact]
    public void A_blocking_continuation_does_not_hold_other_proposals() => Schedules.Explore(1000, async () =>
    {
        var wake = new WakeSignal();
        var taken = new WakeSignal();
        var answersFirst = new GroupCommitHold(Given.FrozenClock, wake.Set);
        var inbox = new ProposalQueue(proposalsMax: 8, proposalBytesMax: 1 << 20, answersFirst);
        var table = new PendingProposals<int>(Given.Self, firstSequence: 0, new ThreadPoolCompletionDispatcher<ProposalResult<int>>(answersFirst));
        var told = table.Register(out var outcome);
        var caller = BlockAsync();

        Given.RunConcurrently(
            () => table.Complete(told.Sequence, ProposalResult<int>.Indeterminate),
            () =>
            {
                Assert.True(inbox.TryAdd(new byte[1], table, out _, out _));
                answersFirst.Signal();
            },
            () =>
            {
                var (batch, withdrawn) = (new ProposalBatch(), new List<ulong>());
                while (batch.Count == 0)
                {
                    wake.Wait();
                    inbox.Drain(ref batch, ref withdrawn);
                }

                taken.Set();
            });
        await caller;

        async Task BlockAsync()
        {
            await outcome.ConfigureAwait(false);
            taken.Wait();
        }
    });

    [Fact]
    public void Proposals_are_taken_once_in_ascending_order() => Schedules.Explore(300, () =>
    {
        var wake = new WakeSignal();
        var answersFirst = new GroupCommitHold(Given.FrozenClock, wake.Set);
        var inbox = new ProposalQueue(Max, proposalBytesMax: 1 << 20, answersFirst);
        var table = new PendingProposals<int>(Given.Self, firstSequence: 0, new ThreadPoolCompletionDispatcher<ProposalResult<int>>(answersFirst));
        var (accepted, stopped) = (0, 0);
        List<ulong> taken = [];

        Given.RunConcurrently(
            Client,
            Client,
            () =>
            {
                var batch = new ProposalBatch();
                List<ulong> withdrawn = [];
                while (Volatile.Read(ref stopped) < 2)
                {
                    wake.Wait();
                    Take(ref batch, ref withdrawn);
                }

                Take(ref batch, ref withdrawn);
            });

        Assert.Equal(accepted, taken.Count);
        Assert.Equal(accepted, table.Count);
        Assert.Equal(taken.Order().Distinct(), taken);

        void Client()
        {
            for (var i = 0; i < 2; i++)
            {
                if (inbox.TryAdd(new byte[1], table, out _, out _))
                    Interlocked.Increment(ref accepted);
                wake.Set();
            }

            Interlocked.Increment(ref stopped);
            wake.Set();
        }

        void Take(ref ProposalBatch batch, ref List<ulong> withdrawn)
        {
            inbox.Drain(ref batch, ref withdrawn);
            Assert.True(batch.Count <= Max);
            foreach (var proposal in batch.Memory.Span)
                taken.Add(proposal.Id.Sequence);
            batch.Clear();
        }
    });

    [Fact]
    public void A_proposal_completes_exactly_once() => Schedules.Explore(300, () =>
    {
        var answers = new RecordingDispatcher();
        var table = new PendingProposals<int>(Given.Self, firstSequence: 0, answers);
        ulong[] numbers = [table.Register(out var first).Sequence, table.Register(out var second).Sequence];
        var committed = ProposalResult<int>.Committed(new LogIndex(1), 7);

        Given.RunConcurrently(
            () => table.Complete([(numbers[0], committed), (numbers[1], committed)]),
            () =>
            {
                foreach (var number in numbers)
                    table.Complete(number, ProposalResult<int>.Rejected(RejectReason.Superseded, NodeId.None));
            },
            () => table.CompleteAll(ProposalResult<int>.Indeterminate));

        Assert.Equal(0, table.Count);
        Assert.Equal(2, answers.All.Count);
        Assert.Equal(1, answers.All.Count(answer => answer.Source.Task == first));
        Assert.Equal(1, answers.All.Count(answer => answer.Source.Task == second));
    });

    private sealed class RecordingDispatcher : ICompletionDispatcher<ProposalResult<int>>
    {
        public List<Completion<ProposalResult<int>>> All { get; } = [];

        public void Dispatch(ReadOnlySpan<Completion<ProposalResult<int>>> answers)
        {
            lock (All)
                All.AddRange(answers);
        }
    }
}
