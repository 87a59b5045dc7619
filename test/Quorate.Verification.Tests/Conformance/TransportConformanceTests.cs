using Quorate.Node;
using Quorate.Node.Transport;
using Quorate.Raft;
using Quorate.Verification.Conformance;

namespace Quorate.Verification.Tests.Conformance;

/// <summary>The transports of this repository pass every check, and each check fails for a transport that is wrong.</summary>
public sealed class TransportConformanceTests
{
    public static TheoryData<string> Checks() => [.. TransportConformance.Checks];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task The_tcp_transport_passes(string check) => await TransportConformance.RunAsync(check, TcpTransport.Start);

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task An_in_memory_transport_passes(string check)
    {
        var network = new InMemoryNetwork();
        await TransportConformance.RunAsync(
            check, context => new InMemoryTransport(network, context, 16 << 20), new() { NextAddress = network.NextAddress });
    }

    [Theory]
    [InlineData(TransportFault.ChangesMessages, "every message arrives as it was sent")]
    [InlineData(TransportFault.KeepsTheMessageObject, "a message may be reused after Send")]
    [InlineData(TransportFault.ReusesPayloadMemory, "payloads stay valid")]
    [InlineData(TransportFault.OvertakesMessages, "messages of a sender arrive in order and once")]
    [InlineData(TransportFault.DuplicatesMessages, "messages of a sender arrive in order and once")]
    [InlineData(TransportFault.SkipsSignals, "every event is signalled")]
    [InlineData(TransportFault.HasUnboundedQueues, "a peer that receives nothing does not block, and its queue is bounded")]
    [InlineData(TransportFault.CountsNoDrops, "a peer that receives nothing does not block, and its queue is bounded")]
    [InlineData(TransportFault.BlocksInSend, "a peer that receives nothing does not block, and its queue is bounded")]
    [InlineData(TransportFault.BlocksAllPeers, "a peer that receives nothing does not hold up another peer")]
    [InlineData(TransportFault.ThrowsForUnreachablePeers, "an unreachable peer costs messages, no exception")]
    [InlineData(TransportFault.DoesNotReconnect, "a peer that restarts is reached again")]
    [InlineData(TransportFault.DeliversAfterDispose, "nothing is delivered after DisposeAsync")]
    [InlineData(TransportFault.SignalsAfterDispose, "nothing is delivered after DisposeAsync")]
    [InlineData(TransportFault.IgnoresDirectories, "a peer with another data directory is rejected")]
    [InlineData(TransportFault.IgnoresClusters, "a node of another cluster is rejected")]
    [InlineData(TransportFault.SendsForOthers, "a message to itself or from another node is a bug")]
    public async Task A_wrong_transport_fails(TransportFault fault, string check)
    {
        var (network, disposedSignals) = (new InMemoryNetwork(), new List<Action>());
        var failure = await Assert.ThrowsAsync<ConformanceException>(() => TransportConformance.RunAsync(
            check,
            context => new FaultyTransport(network, context, fault, disposedSignals),
            new() { NextAddress = network.NextAddress, Timeout = TimeSpan.FromSeconds(1), QueuedBytesMax = 64 << 20 }));
        Assert.Equal(check, failure.Check);
    }

    /// <summary>A node uses the transport that its options start, and passes it what it needs.</summary>
    [Fact]
    public async Task Three_nodes_replicate_over_an_injected_transport()
    {
        var (network, directory) = (new InMemoryNetwork(), Directory.CreateTempSubdirectory("quorate-transport-"));
        var members = Enumerable.Range(1, 3).ToDictionary(static id => new NodeId((ulong)id), _ => network.NextAddress());
        var nodes = new List<RaftNode<int>>();
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        foreach (var id in members.Keys)
        {
            var options = new RaftNodeOptions
            {
                NodeId = id,
                ClusterId = 7,
                DataDirectory = Path.Combine(directory.FullName, id.ToString()),
                Members = members,
                TransportFactory = context => new InMemoryTransport(network, context, 64 << 20),
            };
            nodes.Add(await RaftNode.StartAsync(options, new CountingStateMachine(), timeout.Token));
        }

        foreach (var node in nodes)
        {
            var status = await node.WaitForLeaderAsync(timeout.Token);
            Assert.True(members.ContainsKey(status.Leader));
            ProposalResult<int> result;
            do
                result = await node.ProposeAsync(new byte[] { 1 }, timeout.Token);
            while (result.Outcome != ProposalOutcome.Committed);
            Assert.Empty(node.ListenEndPoints);
        }

        foreach (var node in nodes)
            await node.DisposeAsync();
        directory.Delete(recursive: true);
    }

    [Fact]
    public void Every_check_has_a_wrong_transport()
    {
        var covered = typeof(TransportConformanceTests).GetMethod(nameof(A_wrong_transport_fails))!
            .GetCustomAttributes(typeof(InlineDataAttribute), false).Cast<InlineDataAttribute>()
            .Select(static data => (string)data.Data[1]!);
        Assert.Equal(TransportConformance.Checks.Order(StringComparer.Ordinal), covered.Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_unknown_check_is_rejected_with_the_list_of_checks()
    {
        var fault = await Assert.ThrowsAsync<ArgumentException>(() => TransportConformance.RunAsync("no such check", TcpTransport.Start));
        Assert.Contains("TransportConformance.Checks", fault.Message, StringComparison.Ordinal);
    }

    private sealed class CountingStateMachine : IStateMachine<int>
    {
        private int _count;

        public int Apply(in CommittedCommand command) => ++_count;
    }
}
