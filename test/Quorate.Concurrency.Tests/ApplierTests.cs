using Quorate.Node;
using Quorate.Node.Driver;
using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary>
/// <see cref="Applier{TResult}"/> with its thread: the driver passes committed entries, clients wait for results and readers for applied
/// indexes.
/// </summary>
public sealed class ApplierTests
{
    [Fact]
    public void Every_entry_is_applied_once_and_is_readable_before_its_result() => CoyoteTestRunner.Explore(300, () =>
    {
        var stateMachine = new RecordingStateMachine();
        var wake = new WakeSignal();
        var proposals = Given.Proposals(Given.Loop(wake));
        var reads = new PendingReads(pendingMax: 1);
        using var worker = new ThreadWorker("apply");
        var applier = new Applier<int>(stateMachine, Given.Self, proposals, reads, worker, Given.Loop(wake), Given.Features());
        worker.Start();
        var outcomes = new Task<ProposalResult<int>>[4];
        for (var i = 0; i < outcomes.Length; i++)
            Assert.True(proposals.TryAdd(new byte[1], Term.Zero, out _, out outcomes[i]!));
        Assert.True(reads.TryAdd(out var reader));
        Assert.True(reads.TryIssue(out var ticket));

        Given.RunConcurrently(
            () =>
            {
                applier.Enqueue(Given.Commands(1, 2));
                reads.OnReadIndexResult(new ReadIndexResult(ticket, new LogIndex(3), null));
                applier.Enqueue(Given.Commands(3, 3));
                applier.Enqueue(Given.Commands(4, 4));
            },
            () =>
            {
                for (var i = 0; i < outcomes.Length; i++)
                {
                    var outcome = outcomes[i].GetAwaiter().GetResult();
                    Assert.True(stateMachine.Visible >= i + 1);
                    Assert.True(applier.Applied.Value >= (ulong)i + 1);
                    Assert.Equal(i + 1, outcome.Result);
                }
            },
            () =>
            {
                Assert.True(reader.Task.GetAwaiter().GetResult().IsGranted);
                Assert.True(stateMachine.Visible >= 3);
            });

        Assert.Equal([1, 2, 3, 4], stateMachine.Seen);
        Assert.Equal(0, proposals.Count);
    });

    [Fact]
    public void A_state_machine_that_throws_stops_the_applier() => CoyoteTestRunner.Explore(300, () =>
    {
        var stateMachine = new RecordingStateMachine { ThrowsAt = 2 };
        using var worker = new ThreadWorker("apply");
        var wake = new WakeSignal();
        var proposals = Given.Proposals(Given.Loop(wake));
        var applier = new Applier<int>(
            stateMachine, Given.Self, proposals, new PendingReads(pendingMax: 1), worker, Given.Loop(wake), Given.Features());
        worker.Start();

        applier.Enqueue(Given.Commands(1, 1));
        applier.Enqueue(Given.Commands(2, 3));
        applier.Enqueue(Given.Commands(4, 4));
        while (applier.Fault is null)
            wake.Wait();
        applier.Enqueue(Given.Commands(5, 5));
        worker.Dispose();

        Assert.IsType<StateMachineException>(applier.Fault);
        Assert.Equal([1, 2], stateMachine.Seen);
        Assert.True(applier.Applied < new LogIndex(2));
    });

    private sealed class RecordingStateMachine : IStateMachine<int>
    {
        private int _visible;

        public List<int> Seen { get; } = [];

        public int ThrowsAt { get; init; }

        public int Visible => Volatile.Read(ref _visible);

        public int Apply(in CommittedCommand command)
        {
            var index = (int)command.Id.Index.Value;
            Seen.Add(index);
            return index == ThrowsAt ? throw new InvalidOperationException("no") : index;
        }

        public void BatchApplied(LogIndex last) => Volatile.Write(ref _visible, (int)last.Value);
    }
}
