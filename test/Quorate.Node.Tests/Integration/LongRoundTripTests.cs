using System.Diagnostics;
using Quorate.Node.Transport;
using Quorate.Raft;

namespace Quorate.Node.Tests.Integration;

/// <summary>
/// A follower whose log has diverged over five terms is caught up through a link whose round trip is longer than the heartbeat interval,
/// while clients read at the leader: whole nodes, real sockets and files, and a proxy that delays what it forwards.
/// </summary>
public sealed class LongRoundTripTests(ITestOutputHelper output)
{
    private const int DivergedTerms = 5;
    private const int EntriesPerTerm = 200;
    private static readonly TimeSpan Heartbeat = TimeSpan.FromMilliseconds(50);

    [Theory]
    [InlineData(1.6)]
    [InlineData(3)]
    public async Task A_follower_that_diverged_over_five_terms_is_caught_up(double roundTripInHeartbeats)
    {
        var roundTrip = Heartbeat * roundTripInHeartbeats;
        var searches = 0;
        await using var cluster = TestCluster.Stopped(3);
        await using var proxies = new Proxies(cluster, far: 2, roundTrip / 2);
        RaftNodeOptions Configure(RaftNodeOptions options) => options with
        {
            HeartbeatInterval = Heartbeat,
            ElectionTimeout = 10 * Heartbeat,
            Members = proxies.MembersOf(options.NodeId),
            OnTrace = (_, e) => Interlocked.Add(ref searches, e.Kind == TraceKind.FollowerDiverges ? 1 : 0),
        };

        // No leader had both logs. Members 1 and 3 elect one of them in term 12, and only then the other log's member starts.
        var term = new HardState(new Term(11), NodeId.None);
        foreach (var number in new[] { 1, 3 })
        {
            cluster.WriteLog(number, term, Log(firstTerm: 2));
            await cluster.StartAsync(number, default, Configure);
        }

        cluster.WriteLog(2, term, Log(firstTerm: 3));
        var leader = await cluster.LeaderAsync();
        Assert.True((await leader.Node.ReadBarrierAsync()).IsGranted);
        using var caughtUp = new CancellationTokenSource();
        var reads = ReadAsync(leader.Node, caughtUp.Token);

        var started = Stopwatch.GetTimestamp();
        await cluster.StartAsync(2, default, Configure);
        var expected = leader.StateMachine.Numbers;
        await TestCluster.WaitUntilAsync(() => cluster[2].StateMachine.Numbers.Length == expected.Length);
        var elapsed = Stopwatch.GetElapsedTime(started);
        await caughtUp.CancelAsync();

        output.WriteLine($"{elapsed / roundTrip:0.0} round trips, connecting included; {searches} rejections; {await reads} reads");
        Assert.Equal(expected, cluster[2].StateMachine.Numbers);
        Assert.True(await reads > 0);

        // The bound is on round trips and not on time, which a busy machine needs more of: each rejection that counts is one round trip.
        Assert.InRange(searches, 1, (2 * (DivergedTerms + 2)) - 1);
    }

    /// <summary>Ten entries that all members have, and two hundred of each of five terms, every second one being in this log.</summary>
    private static LogEntry[] Log(ulong firstTerm)
    {
        var terms = Enumerable.Repeat(1UL, 10).Concat(
            Enumerable.Range(0, DivergedTerms).SelectMany(i => Enumerable.Repeat(firstTerm + (2 * (ulong)i), EntriesPerTerm)));
        return
        [
            .. terms.Select(static (term, i) => new LogEntry(
                new EntryId(new Term(term), new LogIndex((ulong)i + 1)), EntryKind.Command,
                new ProposalId(new NodeId(9), (term * 10_000) + (ulong)i), NumberListStateMachine.Add(((long)term * 10_000) + i))),
        ];
    }

    private static async Task<int> ReadAsync(RaftNode<int> leader, CancellationToken cancellationToken)
    {
        for (var reads = 0; ; reads++)
        {
            try
            {
                Assert.True((await leader.ReadBarrierAsync(cancellationToken)).IsGranted);
                await Task.Delay(1, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                return reads;
            }
        }
    }

    /// <summary>A proxy for each direction of each pair of members of which one is far.</summary>
    private sealed class Proxies(TestCluster cluster, int far, TimeSpan delay) : IAsyncDisposable
    {
        private readonly List<DelayingProxy> _proxies = [];

        /// <summary>The addresses at which a member reaches all members.</summary>
        public Dictionary<NodeId, PeerAddress> MembersOf(NodeId member) => cluster.Members.ToDictionary(
            m => m.Key, m => m.Key != member && (m.Key.Value == (ulong)far || member.Value == (ulong)far) ? Delayed(m.Value) : m.Value);

        private PeerAddress Delayed(PeerAddress target)
        {
            _proxies.Add(new DelayingProxy(target, delay));
            return _proxies[^1].Address;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var proxy in _proxies)
                await proxy.DisposeAsync();
        }
    }
}
