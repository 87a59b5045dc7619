using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Running;

/// <summary>A node that cannot start, or shall not, says so and leaves nothing behind.</summary>
public sealed class Starting : IDisposable
{
    private static readonly NodeId _self = new(1);
    private readonly string _folder = Directory.CreateTempSubdirectory("quorate-test-").FullName;

    public static TheoryData<string, Func<RaftNodeOptions, RaftNodeOptions>> OutOfRange => new()
    {
        { "CommandBytesMax", o => o with { CommandBytesMax = 0 } },
        { "CommandBytesMax", o => o with { CommandBytesMax = 32 << 20 } },
        { "SegmentBytes", o => o with { SegmentBytes = (64 << 20) + 1 } },
        { "CachedBytesMax", o => o with { CachedBytesMax = -1 } },
        { "UncommittedBytesMax", o => o with { UncommittedBytesMax = 0 } },
        { "WaitingRequestsMax", o => o with { WaitingRequestsMax = 0 } },
        { "HeartbeatInterval", o => o with { HeartbeatInterval = TimeSpan.FromMilliseconds(9) } },
        { "ElectionTimeout", o => o with { ElectionTimeout = TimeSpan.FromMilliseconds(499) } },
        { "Members", o => o with { Self = new NodeId(2) } },
        { "at most 64 voters", o => o with { Members = Enumerable.Range(1, 65).ToDictionary(id => new NodeId((ulong)id), _ => new PeerAddress("127.0.0.1", 1)) } },
    };

    /// <summary>By its own name, and before there is a folder: half of them would else be found when the whole log has been replayed.</summary>
    [Theory]
    [MemberData(nameof(OutOfRange), DisableDiscoveryEnumeration = true)]
    public void An_option_out_of_its_range_is_named_before_anything_is_touched(string named, Func<RaftNodeOptions, RaftNodeOptions> change)
    {
        var folder = Path.Combine(_folder, "none");
        var refusal = Assert.ThrowsAny<ArgumentException>(() => { _ = RaftNode.StartAsync(change(Options(folder)), new Machine(() => { })); });

        Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(folder));
    }

    [Fact]
    public async Task Whoever_gives_up_in_the_middle_of_a_long_log_leaves_nothing_open()
    {
        await using (var node = await RaftNode.StartAsync(Options(_folder), new Machine(() => { })))
        {
            await node.WaitForLeaderAsync();
            for (var i = 0; i < 30; i++)
                Assert.True((await node.ProposeAsync(new byte[32 << 10])).IsCommitted);
        }

        using var givesUp = new CancellationTokenSource();
        var applied = 0;
        var stopping = new Machine(() =>
        {
            applied++;
            givesUp.Cancel();
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RaftNode.StartAsync(Options(_folder), stopping, givesUp.Token));
        Assert.InRange(applied, 1, 29);

        // The folder and the port are free, and nothing is lost.
        var counted = 0;
        await using var again = await RaftNode.StartAsync(Options(_folder), new Machine(() => counted++));
        await again.WaitForLeaderAsync();
        Assert.True((await again.ReadBarrierAsync()).IsGranted);
        Assert.Equal(30, counted);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static RaftNodeOptions Options(string folder) => new()
    {
        Self = _self,
        ClusterId = 7,
        DataFolder = folder,
        Members = new Dictionary<NodeId, PeerAddress> { [_self] = new("127.0.0.1", TestCluster.FreePorts(1).Single()) },
    };

    private sealed class Machine(Action onApply) : IStateMachine<int>
    {
        public int Apply(in CommittedCommand command)
        {
            onApply();
            return 0;
        }
    }
}
