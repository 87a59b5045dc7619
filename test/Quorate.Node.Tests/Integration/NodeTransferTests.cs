using System.Collections.Concurrent;
using System.Net;
using Quorate.Node.Transport;
using Quorate.Node.Versions;
using Quorate.Raft;

namespace Quorate.Node.Tests.Integration;

/// <summary>Leadership transfers of whole nodes: on request, and when the leader stops. No proposal on any member fails.</summary>
public sealed class NodeTransferTests
{
    private const int TimeoutMilliseconds = 100;

    [Fact]
    public async Task Leadership_moves_to_the_named_member_and_the_old_leader_follows_it()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await LeaderAsync(cluster);
        var target = cluster.Running.First(member => member != leader);

        var result = await leader.Node.TransferLeadershipAsync(target.Node.Status.NodeId);

        Assert.Equal((true, target.Node.Status.NodeId), (result.IsCompleted, result.Leader));
        Assert.Equal(target.Node.Status.NodeId, leader.Node.Status.Leader);
        Assert.Same(target, await LeaderAsync(cluster));
    }

    [Fact]
    public async Task A_node_that_does_not_lead_and_a_stranger_as_target_are_refused()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await LeaderAsync(cluster);
        var follower = cluster.Running.First(member => member != leader);

        var notLeader = await follower.Node.StepDownAsync();
        var stranger = await leader.Node.TransferLeadershipAsync(new NodeId(9));

        Assert.Equal((TransferFailure.NotLeader, leader.Node.Status.NodeId), (notLeader.Failure, notLeader.Leader));
        Assert.Equal((TransferFailure.UnknownMember, false), (stranger.Failure, stranger.IsCompleted));
        Assert.True(leader.Node.Status.IsLeader);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(24 * 60 * 60 + 1)]
    public async Task A_timeout_that_is_not_positive_or_longer_than_a_day_is_an_error(int seconds)
    {
        await using var cluster = await TestCluster.StartAsync(1);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await cluster[1].Node.TransferLeadershipAsync(new NodeId(1), TimeSpan.FromSeconds(seconds)));
    }

    /// <summary>The target receives no TimeoutNow. Proposals of both members wait, and are committed by the leader that leads on.</summary>
    [Fact]
    public async Task Proposals_are_held_during_a_transfer_that_fails_and_are_committed_after_it()
    {
        await using var cluster = TestCluster.Stopped(3);
        for (var number = 1; number <= 3; number++)
            await cluster.StartAsync(number, default, static options => options with { TransportFactory = WithoutTimeoutNow.Start });
        var leader = await LeaderAsync(cluster);
        var (target, other) = cluster.Running.Where(member => member != leader).ToArray() is [var a, var b] ? (a, b) : default;

        var transfer = leader.Node.TransferLeadershipAsync(
            target.Node.Status.NodeId, TimeSpan.FromMilliseconds(TimeoutMilliseconds)).AsTask();
        var proposals = new[] { leader.ProposeAsync(1).AsTask(), other.ProposeAsync(2).AsTask() };

        Assert.Equal(TransferFailure.Expired, (await transfer).Failure);
        Assert.All(await Task.WhenAll(proposals), static result => Assert.True(result.IsCommitted));
        await TestCluster.WaitUntilAsync(() => leader.StateMachine.Numbers.Length >= 2);
        Assert.Equal([1L, 2L], leader.StateMachine.Numbers.Order());
        Assert.True(leader.Node.Status.IsLeader);
    }

    [Fact]
    public async Task A_caller_may_stop_waiting_for_a_transfer()
    {
        await using var cluster = TestCluster.Stopped(3);
        for (var number = 1; number <= 3; number++)
            await cluster.StartAsync(number, default, static options => options with { TransportFactory = WithoutTimeoutNow.Start });
        var leader = await LeaderAsync(cluster);
        using var giveUp = new CancellationTokenSource();

        var transfer = leader.Node.StepDownAsync(giveUp.Token).AsTask();
        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => transfer);
    }

    /// <summary>
    /// Clients on all members propose without a pause while leadership moves around. Each proposal is committed, at once or when it is
    /// proposed again after a rejection that permits it: no outcome is unknown.
    /// </summary>
    [Fact]
    public async Task No_proposal_of_any_member_is_lost_or_left_open_while_leadership_moves()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        using var clients = new RetryingClients(cluster.Running);
        for (var round = 0; round < 12; round++)
        {
            var leader = await LeaderAsync(cluster);
            var target = cluster[(leader.Number % 3) + 1];
            var committed = clients.Committed;
            var result = await leader.Node.TransferLeadershipAsync(target.Node.Status.NodeId);
            Assert.True(result.IsCompleted, $"{result.Failure}");
            await TestCluster.WaitUntilAsync(() => clients.Committed > committed + 10);
        }

        await clients.StopAsync();

        Assert.Empty(clients.Failures);
        Assert.True((await cluster[1].Node.ReadBarrierAsync()).IsGranted);
        Assert.Equal(clients.Numbers, cluster[1].StateMachine.Numbers.Order());
    }

    [Fact]
    public async Task A_leader_that_is_stopped_transfers_leadership_first()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await LeaderAsync(cluster);
        var term = leader.Node.Status.Term;

        await cluster.StopAsync(leader.Number);

        var next = await LeaderAsync(cluster);
        Assert.Equal(term.Next, next.Node.Status.Term);
        Assert.All(
            cluster.Running, static member => Assert.Equal(LeaderChangeReason.HigherTerm, member.Node.Status.LastLeaderChange?.Reason));
    }

    [Fact]
    public async Task A_leader_that_is_aborted_transfers_nothing()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        var leader = await LeaderAsync(cluster);

        await cluster.AbortAsync(leader.Number);

        await LeaderAsync(cluster);
        Assert.Contains(
            cluster.Running, static member => member.Node.Status.LastLeaderChange?.Reason == LeaderChangeReason.ConnectionClosed);
    }

    /// <summary>Proposals in flight are committed by the successor; those that come too late were never proposed.</summary>
    [Fact]
    public async Task A_stopped_leader_leaves_no_proposal_open()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        for (var round = 0; round < 6; round++)
        {
            var leader = await LeaderAsync(cluster);
            using var clients = new RetryingClients([leader]);
            await TestCluster.WaitUntilAsync(() => clients.Committed > 50);

            await cluster.StopAsync(leader.Number);
            await clients.StopAsync();

            Assert.Empty(clients.Failures);
            var other = cluster.Running.First();
            Assert.True((await other.Node.ReadBarrierAsync()).IsGranted);
            Assert.Empty(clients.Numbers.Except(other.StateMachine.Numbers));
            await cluster.StartAsync(leader.Number, default);
        }
    }

    /// <summary>A leader without another member that replies stops at once.</summary>
    [Fact]
    public async Task The_last_member_of_a_cluster_stops_without_waiting_for_a_target()
    {
        await using var cluster = await TestCluster.StartAsync(3);
        while (cluster.Running.Count() > 1)
            await cluster.StopAsync((await LeaderAsync(cluster)).Number);
        await cluster.StopAsync(cluster.Running.Single().Number);
    }

    /// <summary>
    /// The leader of a cluster whose members know of each other that they support transfers, and whose data directories are bound: a new
    /// cluster appends entries of its own until then.
    /// </summary>
    private static async Task<RunningNode> LeaderAsync(TestCluster cluster)
    {
        await TestCluster.WaitUntilAsync(() => cluster.Running.All(static member =>
            member.Node.Status.ClusterVersion == ClusterVersion.Current
            && member.Node.CommittedConfiguration is { Index.Value: > 0 } committed && committed.Configuration.Details.All(
                static known => known.Directory != DirectoryId.None)));
        return await cluster.LeaderAsync();
    }

    /// <summary>Clients that propose again what was rejected, as far as that is permitted, and record every other outcome.</summary>
    private sealed class RetryingClients : IDisposable
    {
        private readonly ConcurrentQueue<long> _committed = new();
        private readonly CancellationTokenSource _stop = new();
        private readonly Task[] _clients;

        public RetryingClients(IEnumerable<RunningNode> members) =>
            _clients = [.. members.SelectMany(member => Enumerable.Range(0, 4).Select(i => Task.Run(() => RunAsync(member, i))))];

        public int Committed => _committed.Count;

        public IEnumerable<long> Numbers => _committed.Order();

        public ConcurrentQueue<string> Failures { get; } = new();

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_clients);
        }

        public void Dispose() => _stop.Dispose();

        private async Task RunAsync(RunningNode member, int client)
        {
            for (var i = 0; !_stop.IsCancellationRequested; i++)
            {
                var number = (member.Number * 1_000_000_000L) + (client * 1_000_000L) + i;
                try
                {
                    while (await member.ProposeAsync(number) is var result && !result.IsCommitted)
                    {
                        if (!result.IsRetryable)
                            Failures.Enqueue($"member {member.Number}, number {number}: {result.Outcome} {result.Reason}");
                        if (_stop.IsCancellationRequested || !result.IsRetryable)
                            return;
                        await member.Node.WaitForLeaderAsync();
                    }
                }
                catch (NodeStoppedException)
                {
                    return;
                }

                _committed.Enqueue(number);
            }
        }
    }

    /// <summary>TCP that loses every TimeoutNow.</summary>
    private sealed class WithoutTimeoutNow(ITransport transport) : ITransport
    {
        public IReadOnlyList<IPEndPoint> ListenEndPoints => transport.ListenEndPoints;

        public TransportCounters Counters => transport.Counters;

        public static WithoutTimeoutNow Start(TransportStartContext context) => new WithoutTimeoutNow(TcpTransport.Start(context));

        public void Send(Message message)
        {
            if (message is not TimeoutNow)
                transport.Send(message);
        }

        public void Flush() => transport.Flush();

        public bool TryReceive(out ReceivedEvent received) => transport.TryReceive(out received);

        public ValueTask DisposeAsync() => transport.DisposeAsync();
    }
}
