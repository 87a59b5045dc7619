namespace Quorate.Raft.Tests.Rules;

/// <summary>
/// Leadership moves away from a disk that is persistently much slower than another one, and from no other (docs/operating/disks.md). A tick
/// is 10 ms: an election timeout of one second, a heartbeat interval of 100 ms, links of 10 ms.
/// </summary>
public sealed class SlowDiskTransferTests
{
    private const int Second = 100;
    private const ulong First = 1;

    private readonly Dictionary<NodeId, int> _flushTicks = [];
    private readonly List<TraceEvent> _transfers = [];
    private TestNode[] _nodes = [];
    private DelayedCluster _cluster = null!;
    private ulong _sequence;

    [Theory]
    [InlineData(3)]
    [InlineData(5)]
    public void A_leader_slowed_together_with_one_follower_passes_leadership_to_a_fast_member_within_ten_seconds(int size)
    {
        Start(size);
        var other = _nodes.First(node => node != Leader).Id;
        _flushTicks[Leader.Id] = _flushTicks[other] = 20;
        var slow = new[] { Leader.Id, other };

        var ticks = _cluster.TicksUntil(
            10 * Second, () => _nodes.Any(node => node.Core!.Role == Role.Leader && !slow.Contains(node.Id)), Propose);

        Assert.True(ticks >= 3 * Second, $"leadership moved after {ticks} ticks");
        Run(60 * Second);
        Assert.Single(_transfers, static e => e.Kind == TraceKind.TransferStarted);
        Assert.DoesNotContain(_nodes, static node => node.Core!.Role == Role.PreCandidate);
    }

    [Theory]
    [InlineData(3, 1)]
    [InlineData(3, 20)]
    [InlineData(5, 35)]
    public void Leadership_stays_while_all_disks_are_equally_slow(int size, int flushTicks)
    {
        Start(size);
        foreach (var node in _nodes)
            _flushTicks[node.Id] = flushTicks;

        Run(120 * Second);

        Assert.Empty(_transfers);
    }

    /// <summary>Each flush takes 10 to 390 ms, on all members alike.</summary>
    [Fact]
    public void Leadership_stays_while_all_disks_are_equally_unsteady()
    {
        Start(3);
        var random = new SplitMix64(7);
        _cluster.FlushTicks = _ => random.Next(1, 40);

        Run(300 * Second);

        Assert.Empty(_transfers);
    }

    [Fact]
    public void A_hiccup_of_two_seconds_does_not_move_leadership()
    {
        Start(3);
        for (var hiccup = 0; hiccup < 5; hiccup++)
        {
            _flushTicks[Leader.Id] = 20;
            Run(2 * Second);
            _flushTicks[Leader.Id] = 0;
            Run(3 * Second);
        }

        Assert.Empty(_transfers);
    }

    [Fact]
    public void A_slow_follower_does_not_move_leadership()
    {
        Start(3);
        _flushTicks[_nodes.First(node => node != Leader).Id] = 50;
        Run(30 * Second);
        Assert.Empty(_transfers);
    }

    /// <summary>A leader whose target does not answer leads on, and tries again only after ten election timeouts.</summary>
    [Fact]
    public void A_failed_transfer_is_repeated_after_ten_election_timeouts_at_the_earliest()
    {
        Start(3);
        _cluster.IsLost = static message => message is TimeoutNow;
        var leader = Leader;
        _flushTicks[leader.Id] = 20;

        Run(40 * Second);

        Assert.Same(leader, Leader);
        Assert.InRange(_transfers.Count(static e => e.Kind == TraceKind.TransferStarted), 2, 4);
        Assert.Equal(
            _transfers.Count(static e => e.Kind == TraceKind.TransferStarted),
            _transfers.Count(static e => e.Kind == TraceKind.TransferExpired));
    }

    [Theory]
    [InlineData(StorageHealth.Stalled)]
    [InlineData(StorageHealth.Full)]
    public void An_idle_leader_that_cannot_write_passes_leadership_on(StorageHealth health)
    {
        Start(3);
        var leader = Leader;
        Run(Second);
        leader.Step(Input.StorageHealth(health));

        var ticks = _cluster.TicksUntil(Second, () => _nodes.Any(node => node != leader && node.Core!.Role == Role.Leader));

        Assert.InRange(ticks, 1, Second / 5);
        Assert.Contains(_transfers, static e => e.Kind == TraceKind.TransferStarted);
    }

    [Theory]
    [InlineData(StorageHealth.Stalled)]
    [InlineData(StorageHealth.Full)]
    public void A_member_that_cannot_write_neither_campaigns_nor_grants_a_pre_vote(StorageHealth health)
    {
        var node = Given.Follower(id: 2, term: 1);
        node.Step(Input.StorageHealth(health));
        node.Tick(10 * Given.ElectionTicks);
        Assert.Equal(Role.Follower, node.Core!.Role);
        node.Receive(Given.PreVote(from: 1, to: 2, term: 2, last: (1, 1)));
        Assert.False(Assert.Single(node.Take<RequestVoteReply>()).Granted);

        node.Step(Input.StorageHealth(StorageHealth.Healthy));
        node.Receive(Given.PreVote(from: 1, to: 2, term: 2, last: (1, 1)));
        Assert.True(Assert.Single(node.Take<RequestVoteReply>()).Granted);
        node.Tick(2 * Given.ElectionTicks);
        Assert.Equal(Role.PreCandidate, node.Core.Role);
    }

    private TestNode Leader => Assert.Single(_nodes, static node => node.Core!.Role == Role.Leader);

    private void Start(int size)
    {
        var history = new RaftSafetyChecker();
        _nodes =
        [
            .. Enumerable.Range(1, size).Select(id => new TestNode(
                Given.Options((ulong)id) with { ElectionTicks = Second, HeartbeatTicks = 10 }, Given.Voters(size), history)),
        ];
        foreach (var node in _nodes)
        {
            node.Start();
            node.Stepped = (_, _, effects) => _transfers.AddRange(
                effects.Trace.Where(static e => e.Kind is TraceKind.TransferStarted or TraceKind.TransferExpired));
        }

        _cluster = new DelayedCluster(static (_, _) => 1, _nodes)
        {
            FlushTicks = node => _flushTicks.GetValueOrDefault(node),
        };
        _cluster.TicksUntil(5 * Second, () => _nodes.Any(static node => node.Core!.Role == Role.Leader));
        Run(6 * Second);
    }

    private void Run(int ticks)
    {
        for (; ticks > 0; ticks--)
        {
            Propose();
            _cluster.Tick();
        }
    }

    /// <summary>A client proposes in every tick; while a transfer is in progress, it waits.</summary>
    private void Propose()
    {
        foreach (var node in _nodes)
        {
            if (node.Core is { Role: Role.Leader, TransferTarget: var target } && target == NodeId.None)
                node.Propose(First + _sequence++);
        }
    }
}
