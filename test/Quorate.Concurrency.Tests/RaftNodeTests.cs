using Quorate.Node;
using Quorate.Node.Storage;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary>
/// <see cref="RaftNode{TResult}"/> with all its threads and real storage: the only member of its cluster, with no network. Its clock runs
/// until the node has been elected and then stands still, so everything after that happens because a thread was woken.
/// </summary>
public sealed class RaftNodeTests
{
    [Fact]
    public void Proposals_and_reads_complete_without_a_tick() => CoyoteTestRunner.Explore(100, async () =>
    {
        await using var single = new SingleNode();
        await single.Node.WaitForLeaderAsync();

        var clients = new[] { ClientAsync(1), ClientAsync(11) };
        await Task.WhenAll(clients);

        Assert.Equal(new byte[] { 1, 2, 11, 12 }, single.StateMachine.Applied.Order());

        Task ClientAsync(byte first) => Task.Run(async () =>
        {
            for (var command = first; command < first + 2; command++)
            {
                var proposed = await single.Node.ProposeAsync(new[] { command });
                Assert.Equal(ProposalOutcome.Committed, proposed.Outcome);
                Assert.Equal(command, proposed.Result);
            }

            Assert.True((await single.Node.ReadBarrierAsync()).IsGranted);
        });
    });

    [Fact]
    public void A_stop_completes_every_pending_request() => CoyoteTestRunner.Explore(100, async () =>
    {
        await using var single = new SingleNode();
        using var timeout = new CancellationTokenSource();
        var node = single.Node;

        var proposals = new[]
        {
            ProposeAsync(node, 1),
            ProposeAsync(node, 2, timeout.Token),
        };
        var others = new[]
        {
            ReadAsync(node),
            ReadAsync(node, timeout.Token),
            WatchAsync(node),
            Task.Run(timeout.Cancel),
            Task.Run(async () => await node.DisposeAsync()),
            Task.Run(async () => await node.DisposeAsync()),
        };
        await Task.WhenAll(proposals);
        await Task.WhenAll(others);

        await node.Completion;
        CheckOutcomes(proposals, single.StateMachine);
    });

    /// <summary>
    /// A continuation runs on the thread that completed its proposal, and here blocks it until the node has stopped: that thread must be
    /// none that the stop waits for.
    /// </summary>
    [Fact]
    public void A_continuation_of_a_completed_proposal_may_stop_the_node() => CoyoteTestRunner.Explore(100, async () =>
    {
        await using var single = new SingleNode();
        var node = single.Node;
        await node.WaitForLeaderAsync();

        var clients = new[] { ClientAsync(1), ClientAsync(2) };
        await Task.WhenAll(clients);
        await node.Completion;

        Task ClientAsync(byte command) => Task.Run(async () =>
        {
            try
            {
                await node.ProposeAsync(new[] { command });
            }
            catch (NodeStoppedException)
            {
                // The other client has stopped the node already.
            }

            node.DisposeAsync().AsTask().GetAwaiter().GetResult();
        });
    });

    [Fact]
    public void A_request_concurrent_with_the_stop_is_rejected() => CoyoteTestRunner.Explore(600, async () =>
    {
        await using var single = new SingleNode(isElected: false);
        var node = single.Node;

        var proposal = ProposeAsync(node, 1);
        var read = ReadAsync(node);
        await node.DisposeAsync();

        Assert.NotEqual(ProposalOutcome.Committed, (await proposal)?.Outcome);
        Assert.False(await read);
    });

    [Fact]
    public void A_failed_node_completes_every_request_and_can_be_disposed() => CoyoteTestRunner.Explore(100, async () =>
    {
        await using var single = new SingleNode(throwsAt: 2);
        var node = single.Node;
        var leader = await node.WaitForLeaderAsync();
        Assert.Equal(Given.Self, leader.Leader);

        var proposals = new[]
        {
            ProposeAsync(node, 1),
            ProposeAsync(node, 2),
        };
        var others = new[] { ReadAsync(node), WatchAsync(node) };
        await Task.WhenAll(proposals);
        await Task.WhenAll(others);

        try
        {
            await node.Completion;
            Assert.Fail("a failed node must report its failure");
        }
        catch (StateMachineException)
        {
            // Expected.
        }

        await Task.WhenAll(new[] { Task.Run(single.DisposeAndReopenAsync), Task.Run(single.DisposeAndReopenAsync) });
        CheckOutcomes(proposals, single.StateMachine);
    });

    /// <summary>Proposes a command; null if the request threw, which states that the command was never proposed.</summary>
    private static Task<ProposalResult<byte>?> ProposeAsync(
        RaftNode<byte> node, byte command, CancellationToken cancellationToken = default) => Task.Run(async () =>
    {
        try
        {
            return await node.ProposeAsync(new[] { command }, cancellationToken);
        }
        catch (Exception e) when (e is OperationCanceledException or NodeStoppedException)
        {
            return (ProposalResult<byte>?)null;
        }
    });

    private static Task<bool> ReadAsync(RaftNode<byte> node, CancellationToken cancellationToken = default) => Task.Run(async () =>
    {
        try
        {
            return (await node.ReadBarrierAsync(cancellationToken)).IsGranted;
        }
        catch (Exception e) when (e is OperationCanceledException or NodeStoppedException)
        {
            return false;
        }
    });

    private static Task WatchAsync(RaftNode<byte> node) => Task.Run(async () =>
    {
        await foreach (var status in node.WatchLeadershipAsync())
            Assert.True(status.AppliedIndex <= status.CommitIndex && status.CommitIndex <= status.LastIndex);
    });

    /// <summary>
    /// Checks that committed commands were applied, rejected and never proposed ones were not, and none was applied twice.
    /// </summary>
    private static void CheckOutcomes(Task<ProposalResult<byte>?>[] proposals, RecordingStateMachine stateMachine)
    {
        Assert.Equal(stateMachine.Applied.Distinct(), stateMachine.Applied);
        for (var i = 0; i < proposals.Length; i++)
        {
            var outcome = proposals[i].GetAwaiter().GetResult();
            if (outcome?.Outcome == ProposalOutcome.Indeterminate)
                continue;
            Assert.Equal(outcome?.IsCommitted ?? false, stateMachine.Applied.Contains((byte)(i + 1)));
        }
    }

    private sealed class SingleNode : IAsyncDisposable
    {
        private readonly string _directory = Directory.CreateTempSubdirectory("quorate-threads-").FullName;

        public SingleNode(bool isElected = true, int throwsAt = 0)
        {
            StateMachine = new RecordingStateMachine(throwsAt);
            Node = RaftNode<byte>.Start(
                new RaftNodeOptions
                {
                    NodeId = Given.Self,
                    ClusterId = 1,
                    DataDirectory = _directory,
                    Members = new Dictionary<NodeId, PeerAddress> { [Given.Self] = new("nowhere", 1) },
                    MaxCommandBytes = Given.SmallLog.PayloadBytesMax,
                    SegmentBytes = Given.SmallLog.SegmentBytes,
                    HeartbeatInterval = TimeSpan.FromMilliseconds(100),
                    ElectionTimeout = TimeSpan.FromMilliseconds(500),
                    TimeProvider = new StoppingClock(reads: isElected ? 40 : 0),
                    Seed = 1,

                    // Here a delay may end after any step, and no thread waits for a disk.
                    StopWaitMax = Timeout.InfiniteTimeSpan,
                    TransportFactory = static _ => new NullTransport(),
                },
                StateMachine);
        }

        public RaftNode<byte> Node { get; }

        public RecordingStateMachine StateMachine { get; }

        /// <summary>Once the node has stopped, another may use its data directory.</summary>
        public async Task DisposeAndReopenAsync()
        {
            await Node.DisposeAsync();
            lock (_directory)
                new FileStorage(_directory).Dispose();
        }

        public async ValueTask DisposeAsync()
        {
            await Node.DisposeAsync();
            Directory.Delete(_directory, recursive: true);
        }
    }

    private sealed class RecordingStateMachine(int throwsAt) : IStateMachine<byte>
    {
        public List<byte> Applied { get; } = [];

        public byte Apply(in CommittedCommand command)
        {
            var value = command.Command.Span[0];
            if (value == throwsAt)
                throw new InvalidOperationException("no");
            Applied.Add(value);
            return value;
        }
    }

    /// <summary>A clock that advances by a heartbeat with each read, until two election timeouts have passed.</summary>
    private sealed class StoppingClock(int reads) : TimeProvider
    {
        private int _reads;

        public override long TimestampFrequency => 10;

        public override long GetTimestamp() => _reads < reads ? ++_reads : _reads;
    }

    private sealed class NullTransport : ITransport
    {
        public void Send(Message message) => throw new InvalidOperationException("this node has no peers");

        public void Flush()
        {
        }

        public bool TryReceive(out ReceivedEvent received)
        {
            received = default;
            return false;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
