using Quorate.Node.Storage;
using Quorate.Node.Tests.Storage;
using Quorate.Node.Tests.Telemetry;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Integration;

/// <summary>A disk that completes no call does not keep a node from stopping (docs/operating/disks.md).</summary>
public sealed class HungDiskTests : IDisposable
{
    private static readonly TimeSpan StopWaitMax = TimeSpan.FromMilliseconds(300);

    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-hung-").FullName;
    private readonly RecordingLogs _logs = new();
    private HangingStorage _storage = null!;

    [Fact]
    public async Task Stopping_ends_within_a_bound_and_pending_requests_complete_although_a_flush_hangs()
    {
        var node = await StartAsync();
        var write = await WriteWhileHangingAsync(node);

        await DisposeWithinAsync(node, TimeSpan.FromSeconds(30));

        Assert.Equal(ProposalOutcome.Indeterminate, (await write).Outcome);
        await node.Completion;
        _storage.Resume();
        await WaitUntilUnlockedAsync();
    }

    [Fact]
    public async Task The_data_directory_stays_locked_until_the_hanging_call_has_returned()
    {
        var node = await StartAsync();
        _ = await WriteWhileHangingAsync(node);
        await DisposeWithinAsync(node, TimeSpan.FromSeconds(30));

        Assert.Contains("lock", Assert.Throws<IOException>(() => new FileStorage(_directory)).Message, StringComparison.Ordinal);

        _storage.Resume();
        await WaitUntilUnlockedAsync();
        await using var restarted = await StartAsync();
        Assert.True((await restarted.ProposeAsync(new byte[8])).IsCommitted);
    }

    [Fact]
    public async Task Stopping_ends_within_a_bound_although_the_state_machine_hangs()
    {
        var stateMachine = new HangingStateMachine();
        var node = await StartAsync(stateMachine);
        var write = node.ProposeAsync(new byte[8]).AsTask();
        stateMachine.Entered.Wait(TestContext.Current.CancellationToken);
        var read = node.ReadBarrierAsync().AsTask();

        await DisposeWithinAsync(node, TimeSpan.FromSeconds(30));

        Assert.Equal(ProposalOutcome.Indeterminate, (await write).Outcome);
        await Assert.ThrowsAsync<NodeStoppedException>(() => read);
        stateMachine.MayReturn.Set();
        await WaitUntilUnlockedAsync();
    }

    public void Dispose()
    {
        _storage.Resume();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task DisposeWithinAsync(RaftNode<int> node, TimeSpan bound)
    {
        await node.DisposeAsync().AsTask().WaitAsync(bound);
        Assert.Contains(_logs.Messages, static message => message.Id == 1017);
    }

    /// <summary>Starts a write, and returns when it hangs on the disk.</summary>
    private async Task<Task<ProposalResult<int>>> WriteWhileHangingAsync(RaftNode<int> node)
    {
        Assert.True((await node.ProposeAsync(new byte[8])).IsCommitted);
        _storage.Hang();
        var write = node.ProposeAsync(new byte[8]).AsTask();
        await TestCluster.WaitUntilAsync(() => _storage.HangingCalls > 0);
        return write;
    }

    private Task WaitUntilUnlockedAsync() => TestCluster.WaitUntilAsync(() =>
    {
        try
        {
            new FileStorage(_directory).Dispose();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    });

    private Task<RaftNode<int>> StartAsync(IStateMachine<int>? stateMachine = null) => RaftNode.StartAsync(
        new RaftNodeOptions
        {
            NodeId = new NodeId(1),
            ClusterId = 1,
            DataDirectory = _directory,
            StorageFactory = directory => _storage = new HangingStorage(directory),
            Members = new Dictionary<NodeId, PeerAddress> { [new NodeId(1)] = new("127.0.0.1", TestCluster.FreePorts(1)[0]) },
            SegmentBytes = 1 << 20,
            MaxCommandBytes = 1 << 10,
            StopWaitMax = StopWaitMax,
            LoggerFactory = _logs,
        },
        stateMachine ?? new NumberListStateMachine());

    private sealed class HangingStateMachine : IStateMachine<int>
    {
        public ManualResetEventSlim Entered { get; } = new();

        public ManualResetEventSlim MayReturn { get; } = new();

        public int Apply(in CommittedCommand command)
        {
            Entered.Set();
            MayReturn.Wait();
            return 0;
        }
    }
}
