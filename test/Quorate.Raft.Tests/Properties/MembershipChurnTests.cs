namespace Quorate.Raft.Tests.Properties;

/// <summary>
/// Clusters of one to seven members whose members change all the time, on a network that loses, duplicates and reorders messages, with
/// crashes that lose what was not flushed, and with lost disks. Nothing is committed twice or lost; in the end, the members agree.
/// </summary>
public sealed class MembershipChurnTests
{
    [Theory]
    [InlineData(0, 350)]
    [InlineData(1000, 350)]
    public void Nothing_is_lost_while_the_members_change(ulong firstSeed, int seedsFull)
    {
        var (changes, seeds) = (0, (ulong)TestEffort.Of(seedsFull));
        for (var seed = firstSeed; seed < firstSeed + seeds; seed++)
        {
            var cluster = new ChurningCluster(seed);
            try
            {
                cluster.Run(steps: 4000);
                cluster.Heal();
                changes += cluster.CommittedChanges;
            }
            catch (Exception fault)
            {
                Assert.Fail($"seed {seed}: {fault}\n{cluster}");
            }
        }

        // The test would prove nothing if most changes were refused.
        Assert.True(changes > (int)seeds, $"only {changes} changes were committed");
    }

    /// <summary>A cluster of cores, each on a modelled disk, and the messages between them.</summary>
    private sealed class ChurningCluster
    {
        private const int NodesMax = 8;
        private const int MessagesMax = 400;
        private readonly RaftSafetyChecker _history = new();
        private readonly SortedDictionary<ulong, Machine> _machines = [];
        private readonly List<Packet> _network = [];
        private readonly HashSet<NodeId> _removed = [];
        private readonly List<RaftCore> _cores = [];
        private readonly Configuration _initial;
        private SplitMix64 _random;
        private ulong _nextId;
        private ulong _sequence;
        private ulong _directories;
        private bool _hasWiped;
        private bool _isHealed;

        public ChurningCluster(ulong seed)
        {
            _random = new SplitMix64(seed * 0x9E37 + 1);
            var size = (ulong)_random.Next(1, 6);
            _initial = Given.Voters((int)size);
            _nextId = size + 1;
            for (var id = 1UL; id <= size; id++)
                Add(id, _initial);
        }

        public int CommittedChanges { get; private set; }

        public void Run(int steps)
        {
            for (var step = 0; step < steps; step++)
            {
                Act(Pick());
                if (step % 64 == 0)
                    CheckCluster();
            }
        }

        /// <summary>Ends all faults: the members that are left must elect a leader, complete the change, and commit.</summary>
        public void Heal()
        {
            _isHealed = true;
            _network.Clear();
            var committed = LogIndex.Zero;
            for (var round = 0; round < 6000; round++)
            {
                foreach (var machine in _machines.Values.ToArray())
                {
                    if (machine.Node.Core is null)
                        Start(machine);
                    if (machine.Node.Core is null)
                        continue;
                    machine.Node.Tick();
                    Settle(machine);
                }

                for (var delivered = 0; delivered < 200 && _network.Count > 0; delivered++)
                    Deliver(0, keep: false);

                var leader = Leader();
                if (leader is not { Node.Core: { } core })
                    continue;
                if (round % 100 == 99)
                    leader.Node.Propose(++_sequence);
                if (round < 1500 || core.Configuration.IsJoint || core.CommitIndex != core.LastIndex)
                    continue;
                var reachable = core.Configuration.Members.Where(id => _machines[id.Value].IsTrusted).ToArray();
                if (reachable.All(id => _machines[id.Value].Node.Core?.CommitIndex == core.CommitIndex) && core.CommitIndex > committed)
                {
                    CheckCluster();
                    return;
                }
            }

            if (HasQuorum())
                throw new InvalidOperationException("the members do not agree");
        }

        /// <summary>
        /// Whether a majority still has its disks, in the newest configuration of the longest log. A cluster of two that has lost one disk
        /// stands still.
        /// </summary>
        private bool HasQuorum()
        {
            var newest = _machines.Values.Where(static m => m.IsTrusted && m.Node.Core is not null).Select(static m => m.Node.Core!)
                .MaxBy(static core => (core.LastTerm, core.LastIndex))!.Configuration;
            return IsMajority(newest.Voters) && (!newest.IsJoint || IsMajority(newest.Outgoing));

            bool IsMajority(IReadOnlyCollection<NodeId> voters) =>
                2 * voters.Count(voter => _machines[voter.Value].IsTrusted && !_removed.Contains(voter)) > voters.Count;
        }

        public override string ToString() => string.Join('\n', _machines.Values.Select(machine => machine.Node.Core is { } core
            ? $"{core.Self} {core.Role} term {core.Term} leader {core.Leader} last {core.LastTerm}/{core.LastIndex} "
                + $"commit {core.CommitIndex} "
                + $"{core.ConfigurationIndex}: {core.Configuration} counted "
                + string.Join(' ', core.Configuration.Members.Where(core.Configuration.IsCounted))
                + $"{(machine.IsTrusted ? "" : " lost its disk")}{(core.IsRemoved ? " removed" : "")}"
            : $"{machine.Node.Id} down"));

        private Machine Pick() => _machines.Values.ElementAt(_random.Next(0, _machines.Count));

        private Machine? Leader() => _machines.Values.Where(static m => m.Node.Core is { Role: Role.Leader })
            .MaxBy(static m => m.Node.Core!.Term);

        private void Add(ulong id, Configuration members)
        {
            var machine = new Machine(new TestNode(Given.Options(id), members, _history), new DirectoryId(++_directories));
            _machines.Add(id, machine);
            Start(machine);
        }

        private void Start(Machine machine)
        {
            if (_removed.Contains(machine.Node.Id))
                return;
            machine.Node.Start(cached: _random.Next(0, 20));
            machine.Node.Step(Input.PeerDirectory(machine.Node.Id, machine.Directory));
            foreach (var (peer, directory) in machine.Known)
                machine.Node.Step(Input.PeerDirectory(peer, directory));
        }

        private void Act(Machine machine)
        {
            var node = machine.Node;
            if (node.Core is null)
            {
                if (_random.Next(0, 20) == 0)
                    Start(machine);
                return;
            }

            switch (_random.Next(0, 40))
            {
                case < 8:
                    node.Tick(_random.Next(1, 4));
                    break;
                case < 12:
                    node.Flush(_random.Next(1, 5));
                    break;
                case < 14:
                    node.Apply(_random.Next(1, 10));
                    break;
                case < 16:
                    node.CompleteEntriesRequest();
                    break;
                case < 18:
                    node.Propose(++_sequence);
                    break;
                case 18:
                    node.Read(++_sequence);
                    break;
                case 19 when _random.Next(0, 6) == 0:
                    node.Crash(_random.Next(0, 3));
                    break;
                case 20:
                    Change(machine);
                    break;
                case 21 when _random.Next(0, 60) == 0:
                    Wipe(machine);
                    break;
                case 22 when node.Core.Role == Role.Leader && _random.Next(0, 4) == 0:
                    node.Step(Input.TransferLeadership(Pick().Node.Id));
                    break;
                default:
                    if (_network.Count > 0)
                        Deliver(_random.Next(0, Math.Min(_network.Count, 12)), keep: _random.Next(0, 20) == 0);
                    break;
            }

            // It may have crashed, lost its disk, or been removed.
            if (machine.Node.Core is null)
                return;
            machine.Node.EndIteration();
            Collect(machine);
        }

        private void Settle(Machine machine)
        {
            if (machine.Node.Core is null)
                return;
            machine.Node.EndIteration();
            machine.Node.Flush();
            machine.Node.Apply();
            while (machine.Node.PendingEntriesRequests > 0)
                machine.Node.CompleteEntriesRequest();
            machine.Node.EndIteration();
            Collect(machine);
        }

        /// <summary>Takes what the node has sent, and ends it if it was removed.</summary>
        private void Collect(Machine machine)
        {
            var node = machine.Node;
            foreach (var message in node.Outbox)
            {
                if (_machines.TryGetValue(message.To.Value, out var receiver) && (_isHealed || _random.Next(0, 12) != 0))
                    _network.Add(new Packet(message, machine.Directory, receiver.Directory));
            }

            node.Outbox.Clear();
            while (_network.Count > MessagesMax)
                _network.RemoveAt(_isHealed ? 0 : _random.Next(0, _network.Count));
            if (node.Core is { IsRemoved: true } core && core.Role != Role.Leader)
            {
                _removed.Add(node.Id);
                node.Crash();
            }
        }

        /// <summary>
        /// Delivers a message, unless the connection on which it was sent has ended, or its ends do not accept each other.
        /// </summary>
        private void Deliver(int at, bool keep)
        {
            var packet = _network[at];
            if (!keep)
                _network.RemoveAt(at);
            if (!_machines.TryGetValue(packet.Message.To.Value, out var receiver) || receiver.Node.Core is null)
                return;
            var sender = _machines[packet.Message.From.Value];
            if (receiver.Directory != packet.To || !receiver.Accepts(packet.Message.From, packet.From)
                || (sender.Node.Core is not null && !sender.Accepts(packet.Message.To, packet.To)))
                return;
            receiver.Node.Step(Input.PeerDirectory(packet.Message.From, packet.From));
            receiver.Node.Receive(MessageCopier.Of(packet.Message));
            Collect(receiver);
        }

        /// <summary>Proposes a change to a leader, or to a follower, which forwards it.</summary>
        private void Change(Machine machine)
        {
            if (_random.Next(0, 3) != 0 && Leader() is { } leader)
                machine = leader;
            var core = machine.Node.Core!;
            var members = core.Configuration.Members;
            if (members.IsEmpty)
                return;
            var any = members[_random.Next(0, members.Length)];
            List<MemberChange> changes = [];
            switch (_random.Next(0, 8))
            {
                case < 3 when _nextId <= NodesMax:
                    changes.Add(AddNew());
                    if (_random.Next(0, 3) == 0)
                        changes.Add(MemberChange.Remove(any));
                    break;
                case 3:
                    changes.Add(MemberChange.Remove(any));
                    break;
                case 4:
                    changes.Add(MemberChange.Demote(any));
                    break;
                case 5 or 6:
                    changes.Add(MemberChange.Promote(any));
                    break;
                default:
                    changes.Add(MemberChange.Update(any, $"address-{any}-{_sequence}", ""));
                    break;
            }

            var before = core.ConfigurationIndex;
            machine.Node.ProposeChange(++_sequence, _random.Next(0, 4) == 0 ? before : null, [.. changes]);
            if (core.ConfigurationIndex != before)
                CommittedChanges++;
        }

        private MemberChange AddNew()
        {
            var id = Given.Node(_nextId++);
            Add(id.Value, Configuration.None);
            return _random.Next(0, 3) switch
            {
                0 => MemberChange.AddVoter(id),
                1 => MemberChange.AddLearner(id),
                _ => MemberChange.AddLearner(id, promoteWhenReady: true),
            };
        }

        /// <summary>
        /// Replaces the disk of one member by an empty one, under the same id. A member that was added may lose it at any time; an initial
        /// one only when all others are bound to its directory or have recorded it (decision 0014).
        /// </summary>
        private void Wipe(Machine machine)
        {
            var id = machine.Node.Id;
            var isInitial = _initial.IsMember(id);
            var isKnown = _machines.Values.All(other => other == machine || other.Known.ContainsKey(id));
            if (_hasWiped || _machines.Count < 3 || (isInitial && !isKnown) || Leader() == machine)
                return;
            _hasWiped = true;
            machine.Node.Crash();
            machine.Node = new TestNode(Given.Options(id.Value), isInitial ? _initial : Configuration.None, _history);
            machine.Directory = new DirectoryId(++_directories);
            machine.Known.Clear();
            machine.IsTrusted = false;
        }

        private void CheckCluster()
        {
            _cores.Clear();
            _cores.AddRange(_machines.Values.Where(static m => m.Node.Core is not null).Select(static m => m.Node.Core!));
            RaftInvariants.CheckCluster(_cores);
            foreach (var core in _cores)
            {
                if (core.Role == Role.Leader)
                    _history.OnLeader(core.Term, core.Self);
            }
        }

        private sealed record Packet(Message Message, DirectoryId From, DirectoryId To);

        private sealed class Machine(TestNode node, DirectoryId directory)
        {
            public TestNode Node { get; set; } = node;

            public DirectoryId Directory { get; set; } = directory;

            /// <summary>Whether it still has the disk with which it was created.</summary>
            public bool IsTrusted { get; set; } = true;

            /// <summary>The directories of the peers that this one has accepted, which survive a crash.</summary>
            public Dictionary<NodeId, DirectoryId> Known { get; } = [];

            public bool Accepts(NodeId peer, DirectoryId directory)
            {
                var bound = Node.Core!.Configuration.Find(peer)?.Directory ?? DirectoryId.None;
                if (bound != DirectoryId.None && bound != directory)
                    return false;
                if (Known.TryGetValue(peer, out var known))
                    return known == directory;
                Known.Add(peer, directory);
                return true;
            }
        }
    }
}
