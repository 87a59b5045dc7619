namespace Quorate.Raft.Tests;

/// <summary>Cores, disks and a network under one seed. Every step of every core is checked; see <see cref="Ledger"/> for what is remembered.</summary>
internal sealed class Cluster
{
    private readonly Dice _dice;
    private readonly List<(int Due, Message Message)> _network = [];
    private readonly HashSet<(NodeId From, NodeId To)> _cuts = [];
    private readonly Dictionary<NodeId, int> _stalledUntil = [];
    private readonly Dictionary<NodeId, int> _pausedUntil = [];
    private readonly List<RaftCore> _running = [];
    private readonly int _electionTicks;
    private readonly Queue<string> _happened = new();
    private Weather _weather;
    private readonly Dictionary<NodeId, ulong> _sequences = [];
    private ulong _tickets;
    private int _round;

    public Cluster(ulong seed, Configuration configuration)
    {
        _dice = new Dice(seed);
        _weather = Weather.Draw(_dice);
        _electionTicks = _dice.Pick(10, 20, 40);
        var tight = _dice.Chance(400);
        foreach (var member in configuration.Members)
        {
            var options = new RaftOptions
            {
                Self = member,
                Seed = seed * 31 + member.Value,
                HeartbeatTicks = _electionTicks / 10,
                ElectionTicks = _electionTicks,
                MessageBytesMax = tight ? 1024 : 1 << 20,
                InflightMessagesMax = tight ? _dice.Next(1, 5) : 256,
                InflightBytesMax = tight ? 4096 : 16 << 20,
                CommandBytesMax = tight ? 512 : 1 << 20,
                UncommittedBytesMax = tight ? 4096 : 64 << 20,
                CachedBytesMax = tight ? _dice.Pick(0, 500) : 1 << 20,
                PendingReadsMax = tight ? 16 : 16_384,
            };
            var machine = new Machine(options, configuration, Ledger) { Stepped = Check };
            Start(machine);
            Machines.Add(machine);
        }
    }

    public List<Machine> Machines { get; } = [];

    public Ledger Ledger { get; } = new();

    public int Steps { get; private set; }

    /// <summary>The whole life of a run: bad weather, then calm, in which all that was promised must come true.</summary>
    public static Cluster Live(ulong seed, Configuration configuration, int rounds = 400)
    {
        var cluster = new Cluster(seed, configuration);
        for (var i = 0; i < rounds; i++)
            cluster.Round();
        cluster.Settle();
        return cluster;
    }

    /// <summary>One round: weather, clients, messages that are due, disks, state machines, and one tick of each clock.</summary>
    public void Round()
    {
        _round++;
        ChangeWeather();
        foreach (var machine in Machines)
        {
            if (machine.Core is null || _round < _pausedUntil.GetValueOrDefault(machine.Id))
                continue;

            Clients(machine);
            if (!_dice.Chance(_weather.LostTicks))
                machine.Step(Input.Tick);
            MaybeEndTurn(machine);
            Deliver(machine);
            if (_round >= _stalledUntil.GetValueOrDefault(machine.Id) && _dice.Chance(_weather.Flushes))
                machine.Flush(_weather == Weather.Calm || _dice.Chance(500) ? int.MaxValue : 1);
            MaybeEndTurn(machine);
            for (var reads = machine.LogReads; reads > 0; reads--)
                machine.AnswerLogRead(fails: _dice.Chance(_weather.Loss));
            if (_dice.Chance(_weather.Applies))
                machine.Apply(_dice.Chance(500) ? int.MaxValue : 3);
            machine.Step(Input.EndOfTurn);
            TakeOutbox(machine);
        }
    }

    /// <summary>Calm weather: in a bounded time there must be one leader, every node's proposal committed everywhere, every read answered, all logs equal.</summary>
    public void Settle()
    {
        _weather = Weather.Calm;
        _cuts.Clear();
        _stalledUntil.Clear();
        _pausedUntil.Clear();
        foreach (var machine in Machines.Where(m => m.Core is null))
            Start(machine);

        // What was still on its way arrives now: a straggler of a later term would cost another election, and rightly.
        for (var i = 0; i < _network.Count; i++)
            _network[i] = (_round, _network[i].Message);

        // Who leads now may still step down for what happened before, a disk that hung or a quorum that was lost.
        for (var i = 0; i < 3 * _electionTicks; i++)
            Round();

        Until(9 * _electionTicks, "a leader is elected and known to all", () =>
            Machines.Count(m => m.Core!.Role == Role.Leader) == 1
            && Machines.All(m => m.Core!.Leader == Machines.Single(l => l.Core!.Role == Role.Leader).Id && m.Core!.Term == Machines[0].Core!.Term));
        Until(12 * _electionTicks, "all reads are answered", () => Ledger.ReadsPending == 0);

        // The narrowest windows carry one entry a message, and one message is read back from the disk at a time.
        var lag = (int)(Machines.Max(m => m.Core!.LastIndex.Value) - Machines.Min(m => m.Core!.CommitIndex.Value));
        Until(12 * _electionTicks + 4 * lag, "everything is applied everywhere", Converged);

        var last = new List<ProposalId>();
        foreach (var machine in Machines)
            last.Add(Propose(machine, 8));
        Until(4 * _electionTicks, "a proposal of every node is committed and applied", () => last.TrueForAll(Ledger.IsCommitted) && Converged(), () => string.Join(' ', last.Select(Ledger.Fate)));


        foreach (var machine in Machines)
        {
            machine.Flush();
            Assert.Equal(Ledger.Committed.Select(e => e.Id), machine.Disk.Entries.Select(e => e.Id));
        }
    }

    private bool Converged() => Machines.All(m =>
        m.Core!.LastIndex == Machines[0].Core!.LastIndex && m.Core!.AppliedIndex == m.Core!.LastIndex && m.Core!.DurableIndex == m.Core!.LastIndex);

    private void Until(int rounds, string what, Func<bool> done, Func<string>? more = null)
    {
        for (var i = 0; i < rounds && !done(); i++)
            Round();
        Assert.True(done(), $"not within {rounds} quiet rounds: {what}\n{this}\n{more?.Invoke()}");
    }

    private void ChangeWeather()
    {
        if (_dice.Chance(_weather.Heals))
            _cuts.Clear();
        if (_dice.Chance(_weather.Cuts))
            _cuts.Add((Any().Id, Any().Id));
        if (_dice.Chance(_weather.Splits))
            Split();
        if (_dice.Chance(_weather.DiskStalls))
            _stalledUntil[Any().Id] = _round + _dice.Next(1, 4 * _electionTicks);
        if (_dice.Chance(_weather.Pauses))
            _pausedUntil[Any().Id] = _round + _dice.Next(1, 5 * _electionTicks);
        if (_dice.Chance(_weather.Crashes) && Any() is { Core: not null } victim)
        {
            victim.Crash(written: _dice.Next(0, victim.Disk.Pending + 1));
            LoseConnections(victim.Id);
        }
        else if (_weather.PeerLost && _dice.Chance(10))
        {
            LoseConnections(Any().Id);
        }

        if (_dice.Chance(_weather.Restarts) && Machines.Find(m => m.Core is null) is { } down)
            Start(down);
    }

    private void Split()
    {
        var left = Machines.Where(_ => _dice.Chance(500)).Select(m => m.Id).ToHashSet();
        foreach (var a in Machines)
        {
            foreach (var b in Machines.Where(b => left.Contains(a.Id) != left.Contains(b.Id)))
                _cuts.Add((a.Id, b.Id));
        }
    }

    private void LoseConnections(NodeId lost)
    {
        if (!_weather.PeerLost)
            return;
        foreach (var machine in Machines.Where(m => m.Core is not null && m.Id != lost))
            machine.Step(Input.PeerLost(lost));
    }

    private void Start(Machine machine)
    {
        machine.Start(cached: _dice.Next(0, 20));
        _sequences[machine.Id] = _dice.Next();
    }

    private Machine Any() => Machines[_dice.Next(0, Machines.Count)];

    private void Clients(Machine machine)
    {
        if (_dice.Chance(_weather.Proposals))
            Propose(machine, _dice.Next(0, _dice.Pick(10, 600)), _dice.Next(1, 4));
        if (_dice.Chance(_weather.Reads))
            machine.Read(++_tickets);
    }

    private ProposalId Propose(Machine machine, int bytes, int count = 1)
    {
        var proposals = new Proposal[count];
        for (var i = 0; i < count; i++)
        {
            var payload = new byte[bytes];
            var sequence = _sequences[machine.Id]++;
            Array.Fill(payload, (byte)sequence);
            proposals[i] = new Proposal(new ProposalId(machine.Id, sequence), payload);
        }

        machine.Step(Input.Propose(proposals));
        return proposals[^1].Id;
    }

    private void MaybeEndTurn(Machine machine)
    {
        if (_dice.Chance(300))
            machine.Step(Input.EndOfTurn);
    }

    private void Deliver(Machine machine)
    {
        for (var i = 0; i < _network.Count; i++)
        {
            var (due, message) = _network[i];
            if (due > _round || message.To != machine.Id)
                continue;

            _network.RemoveAt(i--);
            if (!_cuts.Contains((message.From, message.To)))
                machine.Step(Input.Received(message));
        }
    }

    private void TakeOutbox(Machine machine)
    {
        foreach (var message in machine.Outbox)
        {
            if (_dice.Chance(_weather.Loss))
                continue;
            for (var copies = _dice.Chance(_weather.Duplicates) ? 2 : 1; copies > 0; copies--)
            {
                var delay = _dice.Next(0, _weather.DelayMax) * (_dice.Chance(_weather.Stragglers) ? 10 : 1);
                _network.Add((_round + delay, message));
            }
        }

        machine.Outbox.Clear();
    }

    /// <summary>After every step: what holds in one core, between two states, across the cluster, and over all time.</summary>
    private void Check(Machine machine, CoreState before, Effects effects)
    {
        Steps++;
        var core = machine.Core!;
        foreach (var happened in effects.Trace)
        {
            if (happened.Kind is TraceKind.Appended or TraceKind.Committed or TraceKind.ReadConfirmed)
                continue;
            _happened.Enqueue($"{_round,5} {machine.Id}: {happened}");
            if (_happened.Count > 60)
                _happened.Dequeue();
        }

        var after = CoreState.Of(core);
        RaftInvariants.HoldNow(core);
        if (before == after)
            return;

        RaftInvariants.HoldBetween(before, after);
        if (core.Role == Role.Leader)
            Ledger.Leads(core.Term, core.Self);

        _running.Clear();
        foreach (var other in Machines)
        {
            if (other.Core is not null)
                _running.Add(other.Core);
        }

        RaftInvariants.HoldAcross(_running);
    }

    /// <summary>The last things that happened, and how everybody stands.</summary>
    public override string ToString() => $"{string.Join('\n', _happened)}\nround {_round}\n{string.Join('\n', Machines.Select(State))}";

    private static string State(Machine machine) => machine.Core is { } c
        ? $"{c.Self}: {c.Role} term {c.Term} vote {c.VotedFor} leader {c.Leader} applied {c.AppliedIndex} commit {c.CommitIndex} durable {c.DurableIndex} last {c.LastTerm}/{c.LastIndex} {string.Join(", ", c.Followers)}"
        : $"{machine.Id}: down";
}
