using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="PendingProposals{TResult}"/>: many clients enqueue up to a limit, and one driver takes.</summary>
public sealed class PendingProposalsTests
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
        var pending = Given.Proposals(Given.Loop(wake));
        List<(ulong, ProposalResult<int>)> outcomes = [];
        var first = ProposeAgainAsync(Register());
        var last = Register();
        wake.Wait(); // the signal of these two

        Given.RunConcurrently(
            () => pending.Complete(outcomes),
            Propose,
            () =>
            {
                var (batch, withdrawn) = (new ProposalBatch(), new List<ulong>());
                for (var taken = 0; taken < 2;)
                {
                    wake.Wait();
                    pending.Drain(hasLeader: true, ref batch, ref withdrawn);
                    taken += batch.Count;
                    batch.Clear();
                }
            });
        await first;
        await last;

        Task<ProposalResult<int>> Register()
        {
            outcomes.Add((AddAndTake(pending, out var outcome).Sequence, ProposalResult<int>.Indeterminate));
            return outcome;
        }

        async Task ProposeAgainAsync(Task<ProposalResult<int>> outcome)
        {
            await outcome.ConfigureAwait(false);
            Propose();
        }

        void Propose()
        {
            Assert.True(pending.TryAdd(new byte[1], Term.Zero, out _, out _));
        }
    });

    /// <summary>The worst case: a continuation blocks until a proposal of another thread has been taken.</summary>
    [Fact]
    public void A_blocking_continuation_does_not_hold_other_proposals() => CoyoteTestRunner.Explore(1000, async () =>
    {
        var wake = new WakeSignal();
        var taken = new WakeSignal();
        var pending = Given.Proposals(Given.Loop(wake));
        var proposal = AddAndTake(pending, out var outcome);
        wake.Wait(); // the signal of this one
        var caller = BlockAsync();

        Given.RunConcurrently(
            () => pending.Reject(new ProposalRejection(proposal, RejectReason.Superseded), NodeId.None),
            () => Assert.True(pending.TryAdd(new byte[1], Term.Zero, out _, out _)),
            () =>
            {
                var (batch, withdrawn) = (new ProposalBatch(), new List<ulong>());
                while (batch.Count == 0)
                {
                    wake.Wait();
                    pending.Drain(hasLeader: true, ref batch, ref withdrawn);
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
        var pending = Given.Proposals(Given.Loop(wake), Max);
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
                if (pending.TryAdd(new byte[1], Term.Zero, out _, out _))
                    Interlocked.Increment(ref accepted);
                wake.Set();
            }

            Interlocked.Increment(ref stopped);
            wake.Set();
        }

        void Take(ref ProposalBatch batch, ref List<ulong> withdrawn)
        {
            pending.Drain(hasLeader: true, ref batch, ref withdrawn);
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
        var pending = new PendingProposals<int>(
            Given.Self, firstSequence: 0, queuedMax: 8, queuedBytesMax: 1 << 20,
            new GroupCommitHold(Given.FrozenClock, Given.Loop(new WakeSignal())), dispatcher);
        ProposalId[] ids = [AddAndTake(pending, out var first), AddAndTake(pending, out var second)];
        var committed = ProposalResult<int>.Committed(new EntryId(new Term(1), new LogIndex(1)), 7);

        Given.RunConcurrently(
            () => pending.Complete([(ids[0].Sequence, committed), (ids[1].Sequence, committed)]),
            () =>
            {
                foreach (var id in ids)
                    pending.Reject(new ProposalRejection(id, RejectReason.Superseded), NodeId.None);
            },
            pending.CompleteAll);

        Assert.Equal(0, pending.Count);
        Assert.Equal(2, dispatcher.All.Count);
        Assert.Equal(1, dispatcher.All.Count(completion => completion.Source.Task == first));
        Assert.Equal(1, dispatcher.All.Count(completion => completion.Source.Task == second));
    });

    /// <summary>Adds a proposal and takes it from the queue, as the driver does.</summary>
    private static ProposalId AddAndTake(PendingProposals<int> pending, out Task<ProposalResult<int>> outcome)
    {
        Assert.True(pending.TryAdd(new byte[1], Term.Zero, out var id, out outcome!));
        var (batch, withdrawn) = (new ProposalBatch(), new List<ulong>());
        pending.Drain(hasLeader: true, ref batch, ref withdrawn);
        return id;
    }

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
