namespace Quorate.Raft.Tests;

/// <summary>
/// Simulates cores, disks and a network from one seed. Checks every step of every core; <see cref="History"/> holds the checks over all
/// time.
/// </summary>
internal sealed class Cluster
{
    private readonly Prng _prng;
    private readonly List<(int Due, Message Message)> _network = [];
    private readonly HashSet<(NodeId From, NodeId To)> _cuts = [];
    private readonly Dictionary<NodeId, int> _stalledUntil = [];
    private readonly Dictionary<NodeId, int> _pausedUntil = [];
    private readonly List<RaftCore> _running = [];
    private readonly int _electionTicks;
    private readonly Queue<string> _events = new();
    private FaultOptions _faults;
    private readonly Dictionary<NodeId, ulong> _sequences = [];
    private ulong _tickets;
    private int _round;

    public Cluster(ulong seed, Configuration configuration)
    {
        _prng = new Prng(seed);
        _faults = FaultOptions.Generate(_prng);
        _electionTicks = _prng.Pick(10, 20, 40);
        var tight = _prng.Chance(400);
        foreach (var member in configuration.Members)
        {
            var options = new RaftOptions
            {
                Self = member,
                Seed = seed * 31 + member.Value,
                HeartbeatTicks = _electionTicks / 10,
                ElectionTicks = _electionTicks,
                MaxMessageBytes = tight ? 1024 : 1 << 20,
                MaxInflightMessages = tight ? _prng.Next(1, 5) : 256,
                MaxInflightBytes = tight ? 4096 : 16 << 20,
                MaxCommandBytes = tight ? 512 : 1 << 20,
                MaxUncommittedBytes = tight ? 4096 : 64 << 20,
                MaxCachedBytes = tight ? _prng.Pick(0, 500) : 1 << 20,
                MaxPendingReads = tight ? 16 : 16_384,
            };
            var node = new TestNode(options, configuration, History) { Stepped = Check };
            Start(node);
            Nodes.Add(node);
        }
    }

    public List<TestNode> Nodes { get; } = [];

    public RaftSafetyChecker History { get; } = new();

    public int Steps { get; private set; }

    /// <summary>
    /// Executes a whole run: rounds with faults, then rounds without, in which the cluster must converge and every pending request must
    /// complete.
    /// </summary>
    public static Cluster Run(ulong seed, Configuration configuration, int rounds = 400)
    {
        var cluster = new Cluster(seed, configuration);
        for (var i = 0; i < rounds; i++)
            cluster.Round();
        cluster.Converge();
        return cluster;
    }

    /// <summary>Executes one round: faults, clients, messages that are due, disks, state machines, and one tick of each clock.</summary>
    public void Round()
    {
        _round++;
        InjectFaults();
        foreach (var node in Nodes)
        {
            if (node.Core is null || _round < _pausedUntil.GetValueOrDefault(node.Id))
                continue;

            StepClients(node);
            if (!_prng.Chance(_faults.LostTicks))
                node.Step(Input.Tick);
            MaybeEndIteration(node);
            Deliver(node);
            if (_round >= _stalledUntil.GetValueOrDefault(node.Id) && _prng.Chance(_faults.Flushes))
                node.Flush(_faults == FaultOptions.None || _prng.Chance(500) ? int.MaxValue : 1);
            MaybeEndIteration(node);
            for (var reads = node.PendingEntriesRequests; reads > 0; reads--)
                node.CompleteEntriesRequest(fails: _prng.Chance(_faults.Loss));
            if (_prng.Chance(_faults.Applies))
                node.Apply(_prng.Chance(500) ? int.MaxValue : 3);
            node.Step(Input.EndOfIteration);
            TakeOutbox(node);
        }
    }

    /// <summary>
    /// Ends all faults. Within bounded time there must be one leader, every node's proposal committed on all nodes, every read completed,
    /// and all logs equal.
    /// </summary>
    public void Converge()
    {
        _faults = FaultOptions.None;
        _cuts.Clear();
        _stalledUntil.Clear();
        _pausedUntil.Clear();
        foreach (var node in Nodes.Where(m => m.Core is null))
            Start(node);

        // Messages still in the network arrive now: a late message of a later term would rightly cost another election.
        for (var i = 0; i < _network.Count; i++)
            _network[i] = (_round, _network[i].Message);

        // The current leader may still step down because of an earlier fault: a stalled disk or a lost quorum.
        for (var i = 0; i < 3 * _electionTicks; i++)
            Round();

        Until(9 * _electionTicks, "one leader is elected and known to all nodes", () =>
            Nodes.Count(m => m.Core!.Role == Role.Leader) == 1
            && Nodes.All(m => m.Core!.Leader == Nodes.Single(l => l.Core!.Role == Role.Leader).Id && m.Core!.Term == Nodes[0].Core!.Term));
        Until(12 * _electionTicks, "all reads are completed", () => History.ReadsPending == 0);

        // The smallest windows carry one entry per message, and one message at a time is loaded from the disk.
        var lag = (int)(Nodes.Max(m => m.Core!.LastIndex.Value) - Nodes.Min(m => m.Core!.CommitIndex.Value));
        Until(12 * _electionTicks + 4 * lag, "all entries are applied on all nodes", HasConverged);

        var lastProposals = new List<ProposalId>();
        foreach (var node in Nodes)
            lastProposals.Add(Propose(node, 8));
        Until(
            4 * _electionTicks,
            "a proposal of every node is committed and applied",
            () => lastProposals.TrueForAll(History.IsCommitted) && HasConverged(),
            () => string.Join(' ', lastProposals.Select(History.DescribeOutcome)));

        foreach (var node in Nodes)
        {
            node.Flush();
            Assert.Equal(History.Committed.Select(e => e.Id), node.Disk.Entries.Select(e => e.Id));
        }
    }

    private bool HasConverged() => Nodes.All(m =>
        m.Core!.LastIndex == Nodes[0].Core!.LastIndex && m.Core!.AppliedIndex == m.Core!.LastIndex
        && m.Core!.DurableIndex == m.Core!.LastIndex);

    private void Until(int rounds, string condition, Func<bool> done, Func<string>? details = null)
    {
        for (var i = 0; i < rounds && !done(); i++)
            Round();
        Assert.True(done(), $"not reached within {rounds} rounds without faults: {condition}\n{this}\n{details?.Invoke()}");
    }

    private void InjectFaults()
    {
        if (_prng.Chance(_faults.Heals))
            _cuts.Clear();
        if (_prng.Chance(_faults.Cuts))
            _cuts.Add((Any().Id, Any().Id));
        if (_prng.Chance(_faults.Splits))
            Split();
        if (_prng.Chance(_faults.DiskStalls))
            _stalledUntil[Any().Id] = _round + _prng.Next(1, 4 * _electionTicks);
        if (_prng.Chance(_faults.Pauses))
            _pausedUntil[Any().Id] = _round + _prng.Next(1, 5 * _electionTicks);
        if (_prng.Chance(_faults.Crashes) && Any() is { Core: not null } crashed)
        {
            crashed.Crash(written: _prng.Next(0, crashed.Disk.Pending + 1));
            LoseConnections(crashed.Id);
        }
        else if (_faults.PeerLost && _prng.Chance(10))
        {
            LoseConnections(Any().Id);
        }

        if (_prng.Chance(_faults.Restarts) && Nodes.Find(m => m.Core is null) is { } down)
            Start(down);
    }

    private void Split()
    {
        var left = Nodes.Where(_ => _prng.Chance(500)).Select(m => m.Id).ToHashSet();
        foreach (var a in Nodes)
        {
            foreach (var b in Nodes.Where(b => left.Contains(a.Id) != left.Contains(b.Id)))
                _cuts.Add((a.Id, b.Id));
        }
    }

    private void LoseConnections(NodeId lost)
    {
        if (!_faults.PeerLost)
            return;
        foreach (var node in Nodes.Where(m => m.Core is not null && m.Id != lost))
            node.Step(Input.PeerLost(lost));
    }

    private void Start(TestNode node)
    {
        node.Start(cached: _prng.Next(0, 20));
        _sequences[node.Id] = _prng.Next();
    }

    private TestNode Any() => Nodes[_prng.Next(0, Nodes.Count)];

    private void StepClients(TestNode node)
    {
        if (_prng.Chance(_faults.Proposals))
            Propose(node, _prng.Next(0, _prng.Pick(10, 600)), _prng.Next(1, 4));
        if (_prng.Chance(_faults.Reads))
            node.Read(++_tickets);
    }

    private ProposalId Propose(TestNode node, int bytes, int count = 1)
    {
        var proposals = new Proposal[count];
        for (var i = 0; i < count; i++)
        {
            var payload = new byte[bytes];
            var sequence = _sequences[node.Id]++;
            Array.Fill(payload, (byte)sequence);
            proposals[i] = new Proposal(new ProposalId(node.Id, sequence), payload);
        }

        node.Step(Input.Propose(proposals));
        return proposals[^1].Id;
    }

    private void MaybeEndIteration(TestNode node)
    {
        if (_prng.Chance(300))
            node.Step(Input.EndOfIteration);
    }

    private void Deliver(TestNode node)
    {
        for (var i = 0; i < _network.Count; i++)
        {
            var (due, message) = _network[i];
            if (due > _round || message.To != node.Id)
                continue;

            _network.RemoveAt(i--);
            if (!_cuts.Contains((message.From, message.To)))
                node.Step(Input.Received(message));
        }
    }

    private void TakeOutbox(TestNode node)
    {
        foreach (var message in node.Outbox)
        {
            if (_prng.Chance(_faults.Loss))
                continue;
            for (var copies = _prng.Chance(_faults.Duplicates) ? 2 : 1; copies > 0; copies--)
            {
                var delay = _prng.Next(0, _faults.DelayMax) * (_prng.Chance(_faults.DelayedMessages) ? 10 : 1);
                _network.Add((_round + delay, message));
            }
        }

        node.Outbox.Clear();
    }

    /// <summary>Checks, after every step, the invariants of one core, of the transition, of the cluster, and over all time.</summary>
    private void Check(TestNode node, CoreState before, Effects effects)
    {
        Steps++;
        var core = node.Core!;
        foreach (var traced in effects.Trace)
        {
            if (traced.Kind is TraceKind.Appended or TraceKind.Committed or TraceKind.ReadConfirmed)
                continue;
            _events.Enqueue($"{_round,5} {node.Id}: {traced}");
            if (_events.Count > 60)
                _events.Dequeue();
        }

        var after = CoreState.Of(core);
        RaftInvariants.CheckState(core);
        if (before == after)
            return;

        RaftInvariants.CheckTransition(before, after);
        if (core.Role == Role.Leader)
            History.OnLeader(core.Term, core.Self);

        _running.Clear();
        foreach (var other in Nodes)
        {
            if (other.Core is not null)
                _running.Add(other.Core);
        }

        RaftInvariants.CheckCluster(_running);
    }

    /// <summary>Describes the latest events and the state of every node.</summary>
    public override string ToString() => $"{string.Join('\n', _events)}\nround {_round}\n{string.Join('\n', Nodes.Select(State))}";

    private static string State(TestNode node) => node.Core is { } c
        ? $"{c.Self}: {c.Role} term {c.Term} vote {c.VotedFor} leader {c.Leader} applied {c.AppliedIndex} commit {c.CommitIndex} " +
          $"durable {c.DurableIndex} last {c.LastTerm}/{c.LastIndex} {string.Join(", ", c.Followers)}"
        : $"{node.Id}: down";
}
