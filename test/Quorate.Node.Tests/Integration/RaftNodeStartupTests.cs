using Quorate.Node.Tests.Storage;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Integration;

/// <summary>A node that fails to start, or whose start is cancelled, reports it and leaves nothing behind.</summary>
public sealed class RaftNodeStartupTests : IDisposable
{
    private static readonly NodeId _self = new(1);
    private readonly string _directory = Directory.CreateTempSubdirectory("quorate-test-").FullName;

    public static TheoryData<string, Func<RaftNodeOptions, RaftNodeOptions>> OutOfRange => new()
    {
        { "MaxCommandBytes", o => o with { MaxCommandBytes = 0 } },
        { "MaxCommandBytes", o => o with { MaxCommandBytes = 32 << 20 } },
        { "SegmentBytes", o => o with { SegmentBytes = (64 << 20) + 1 } },
        { "MaxCachedBytes", o => o with { MaxCachedBytes = -1 } },
        { "MaxUncommittedBytes", o => o with { MaxUncommittedBytes = 0 } },
        { "MaxPendingRequests", o => o with { MaxPendingRequests = 0 } },
        { "HeartbeatInterval", o => o with { HeartbeatInterval = TimeSpan.FromMilliseconds(9) } },
        { "ElectionTimeout", o => o with { ElectionTimeout = TimeSpan.FromMilliseconds(499) } },
        { "Members does not contain this node", o => o with { NodeId = new NodeId(2) } },
        { "Members is null", o => o with { Members = null! } },
        { "at most 64 voters", o =>
            o with { Members = Enumerable.Range(1, 65).ToDictionary(id => new NodeId((ulong)id), _ => new PeerAddress("127.0.0.1", 1)) } },
    };

    [Fact]
    public async Task A_port_that_the_system_chose_can_be_read()
    {
        var options = Options(Path.Combine(_directory, "port")) with { ListenEndPoints = [new("127.0.0.1", 0), new("127.0.0.1", 0)] };
        await using var node = await RaftNode.StartAsync(options, new CallbackStateMachine(() => { }));
        Assert.Equal(2, node.ListenEndPoints.Select(endPoint => endPoint.Port).Where(port => port > 0).Distinct().Count());
    }

    [Fact]
    public async Task A_transport_factory_that_returns_nothing_is_reported()
    {
        var options = Options(Path.Combine(_directory, "factory")) with { TransportFactory = static _ => null! };
        var error = await Assert.ThrowsAsync<InvalidOperationException>(
            () => RaftNode.StartAsync(options, new CallbackStateMachine(() => { })));
        Assert.Contains("TransportFactory returned null", error.Message, StringComparison.Ordinal);
    }

    /// <summary>
    /// The error names the option, and comes before the directory is created: otherwise half of these errors would appear only after the
    /// whole log was replayed.
    /// </summary>
    [Theory]
    [MemberData(nameof(OutOfRange), DisableDiscoveryEnumeration = true)]
    public void An_option_out_of_range_is_rejected_before_the_data_directory_is_created(string named,
        Func<RaftNodeOptions, RaftNodeOptions> change)
    {
        var directory = Path.Combine(_directory, "none");
        var error = Assert.ThrowsAny<ArgumentException>(
            () => { _ = RaftNode.StartAsync(change(Options(directory)), new CallbackStateMachine(() => { })); });

        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(directory));
    }

    [Fact]
    public async Task A_start_cancelled_during_replay_leaves_nothing_open()
    {
        await using (var node = await RaftNode.StartAsync(Options(_directory), new CallbackStateMachine(() => { })))
        {
            await node.WaitForLeaderAsync();
            for (var i = 0; i < 30; i++)
                Assert.True((await node.ProposeAsync(new byte[32 << 10])).IsCommitted);
        }

        using var givesUp = new CancellationTokenSource();
        var applied = 0;
        var stopping = new CallbackStateMachine(() =>
        {
            applied++;
            givesUp.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RaftNode.StartAsync(Options(_directory), stopping, givesUp.Token));
        Assert.InRange(applied, 1, 29);

        // The directory and the port are free, and nothing is lost.
        var counted = 0;
        await using var again = await RaftNode.StartAsync(Options(_directory), new CallbackStateMachine(() => counted++));
        await again.WaitForLeaderAsync();
        Assert.True((await again.ReadBarrierAsync()).IsGranted);
        Assert.Equal(30, counted);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    /// <summary>The log, the vote and the identity are in the storage of the embedder, and no file is created.</summary>
    [Fact]
    public async Task A_node_keeps_everything_in_the_storage_that_it_is_given()
    {
        var (storage, asked) = (new MemoryStorage(), "");
        var options = Options(Path.Combine(_directory, "none")) with
        {
            StorageFactory = directory =>
            {
                asked = directory;
                return storage;
            },
        };
        await using (var node = await RaftNode.StartAsync(options, new CallbackStateMachine(() => { })))
        {
            await node.WaitForLeaderAsync();
            Assert.Equal(ProposalOutcome.Committed, (await node.ProposeAsync(new byte[1])).Outcome);
        }

        Assert.Equal(options.DataDirectory, asked);
        Assert.Equal(
            ["hardstate", "hardstate-copy", "identity", "identity-copy", "reserve", "wal-0000000000000001.log"], storage.List());
        Assert.False(Directory.Exists(options.DataDirectory));

        var applied = 0;
        await using var again = await RaftNode.StartAsync(options, new CallbackStateMachine(() => applied++));
        await again.WaitForLeaderAsync();
        Assert.True((await again.ReadBarrierAsync()).IsGranted);
        Assert.Equal(1, applied);
    }

    private static RaftNodeOptions Options(string directory) => new()
    {
        NodeId = _self,
        ClusterId = 7,
        DataDirectory = directory,
        Members = new Dictionary<NodeId, PeerAddress> { [_self] = new("127.0.0.1", TestCluster.FreePorts(1).Single()) },
    };

    private sealed class CallbackStateMachine(Action onApply) : IStateMachine<int>
    {
        public int Apply(in CommittedCommand command)
        {
            onApply();
            return 0;
        }
    }
}
