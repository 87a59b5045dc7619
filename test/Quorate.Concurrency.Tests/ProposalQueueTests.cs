using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="ProposalQueue"/>: many clients enqueue up to a limit, and one driver takes.</summary>
public sealed class ProposalQueueTests
{
    private const int Max = 2;

    /// <summary>
    /// The continuation of the first proposal proposes again, that of the last does not, and another thread proposes meanwhile. No clock
    /// ticks here: only a wake ends the hold.
    /// </summary>
    [Fact]
    public void Held_proposals_are_taken_without_a_tick() => CoyoteTestRunner.Explore(1000, async () =>
    {
        var wake = new WakeSignal();
        var hold = new GroupCommitHold(Given.FrozenClock, wake.Set);
        var queue = new ProposalQueue(proposalsMax: 8, proposalBytesMax: 1 << 20, hold);
        var dispatcher = new ThreadPoolCompletionDispatcher<ProposalResult<int>>(hold);
        var pending = new PendingProposals<int>(Given.Self, firstSequence: 0, dispatcher);
        List<(ulong, ProposalResult<int>)> outcomes = [];
        var first = ProposeAgainAsync(Register());
        var last = Register();

        Given.RunConcurrently(
            () => pending.Complete(outcomes),
            Propose,
            () =>
            {
                var (batch, withdrawn) = (new ProposalBatch(), new List<ulong>());
                for (var taken = 0; taken < 2;)
                {
                    wake.Wait();
                    queue.Drain(ref batch, ref withdrawn);
                    taken += batch.Count;
                    batch.Clear();
                }
            });
        await first;
        await last;

        Task<ProposalResult<int>> Register()
        {
            outcomes.Add((pending.Register(out var outcome).Sequence, ProposalResult<int>.Indeterminate));
            return outcome;
        }

        async Task ProposeAgainAsync(Task<ProposalResult<int>> outcome)
        {
            await outcome.ConfigureAwait(false);
            Propose();
        }

        void Propose()
        {
            Assert.True(queue.TryAdd(new byte[1], pending, out _, out _));
            hold.Signal();
        }
    });

    /// <summary>The worst case: a continuation blocks until a proposal of another thread has been taken.</summary>
    [Fact]
    public void A_blocking_continuation_does_not_hold_other_proposals() => CoyoteTestRunner.Explore(1000, async () =>
    {
        var wake = new WakeSignal();
        var taken = new WakeSignal();
        var hold = new GroupCommitHold(Given.FrozenClock, wake.Set);
        var queue = new ProposalQueue(proposalsMax: 8, proposalBytesMax: 1 << 20, hold);
        var pending =
            new PendingProposals<int>(Given.Self, firstSequence: 0, new ThreadPoolCompletionDispatcher<ProposalResult<int>>(hold));
        var proposal = pending.Register(out var outcome);
        var caller = BlockAsync();

        Given.RunConcurrently(
            () => pending.Complete(proposal.Sequence, ProposalResult<int>.Indeterminate),
            () =>
            {
                Assert.True(queue.TryAdd(new byte[1], pending, out _, out _));
                hold.Signal();
            },
            () =>
            {
                var (batch, withdrawn) = (new ProposalBatch(), new List<ulong>());
                while (batch.Count == 0)
                {
                    wake.Wait();
                    queue.Drain(ref batch, ref withdrawn);
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
    public void Proposals_are_taken_once_in_ascending_order() => CoyoteTestRunner.Explore(300, () =>
    {
        var wake = new WakeSignal();
        var hold = new GroupCommitHold(Given.FrozenClock, wake.Set);
        var queue = new ProposalQueue(Max, proposalBytesMax: 1 << 20, hold);
        var pending =
            new PendingProposals<int>(Given.Self, firstSequence: 0, new ThreadPoolCompletionDispatcher<ProposalResult<int>>(hold));
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
        Assert.Equal(accepted, pending.Count);
        Assert.Equal(taken.Order().Distinct(), taken);

        void Client()
        {
            for (var i = 0; i < 2; i++)
            {
                if (queue.TryAdd(new byte[1], pending, out _, out _))
                    Interlocked.Increment(ref accepted);
                wake.Set();
            }

            Interlocked.Increment(ref stopped);
            wake.Set();
        }

        void Take(ref ProposalBatch batch, ref List<ulong> withdrawn)
        {
            queue.Drain(ref batch, ref withdrawn);
            Assert.True(batch.Count <= Max);
            foreach (var proposal in batch.Memory.Span)
                taken.Add(proposal.Id.Sequence);
            batch.Clear();
        }
    });

    [Fact]
    public void A_proposal_completes_exactly_once() => CoyoteTestRunner.Explore(300, () =>
    {
        var dispatcher = new RecordingDispatcher();
        var pending = new PendingProposals<int>(Given.Self, firstSequence: 0, dispatcher);
        ulong[] numbers = [pending.Register(out var first).Sequence, pending.Register(out var second).Sequence];
        var committed = ProposalResult<int>.Committed(new LogIndex(1), 7);

        Given.RunConcurrently(
            () => pending.Complete([(numbers[0], committed), (numbers[1], committed)]),
            () =>
            {
                foreach (var number in numbers)
                    pending.Complete(number, ProposalResult<int>.Rejected(RejectReason.Superseded, NodeId.None));
            },
            () => pending.CompleteAll(ProposalResult<int>.Indeterminate));

        Assert.Equal(0, pending.Count);
        Assert.Equal(2, dispatcher.All.Count);
        Assert.Equal(1, dispatcher.All.Count(completion => completion.Source.Task == first));
        Assert.Equal(1, dispatcher.All.Count(completion => completion.Source.Task == second));
    });

    private sealed class RecordingDispatcher : ICompletionDispatcher<ProposalResult<int>>
    {
        public List<Completion<ProposalResult<int>>> All { get; } = [];

        public void Dispatch(ReadOnlySpan<Completion<ProposalResult<int>>> completions)
        {
            lock (All)
                All.AddRange(completions);
        }
    }
}
