using Quorate.Node.Driver;
using Quorate.Node.Snapshots;
using Quorate.Node.Tracing;
using Quorate.Node.Wal;
using Quorate.Raft;
using Quorate.Verification.Simulation.Checks;
using Quorate.Verification.Simulation.Disk;
using Quorate.Verification.Simulation.Faults;
using Quorate.Verification.Simulation.Network;
using Quorate.Verification.Simulation.Workload;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Simulation;

/// <summary>The cluster of one run: members, network, clients, faults and checkers, under one seed and in one virtual time.</summary>
internal sealed class SimulatedCluster : IDisposable
{
    /// <summary>
    /// The mean number of acknowledged entries between two recovery checks of a disk: one check costs as much as all of these entries.
    /// </summary>
    private const int EntriesPerDiskCheck = 512;

    /// <summary>The number of state changes between two comparisons of whole logs.</summary>
    private const int ChangesPerFullCheck = 128;

    private readonly ulong _seed;
    private readonly List<RaftCore> _runningCores = [];
    private readonly WalOptions _recoveryCheckOptions;
    private int _changeCount;
    private readonly Prng _diskCheckPrng;
    private long _entriesUntilDiskCheck;

    public SimulatedCluster(ulong seed, SwarmOptions swarm, ISimulatedApplication application, RunOptions options)
    {
        _seed = seed;
        Options = options;
        Swarm = swarm;
        Application = application;
        Configuration = new Configuration(Enumerable.Range(1, Swarm.MemberCount).Select(static i => new NodeId((ulong)i)));
        var machines = Enumerable.Range(1, Swarm.MemberCount + Swarm.SpareCount).Select(static i => new NodeId((ulong)i)).ToArray();
        Trace = options.Trace is { } target ? TraceWriter.ForCluster(target, seed, machines, () => Time.Now) : null;
        Refinement = options.Refine ? new Refinement(Configuration) : null;
        EventLog = new EventLog(Time, options.OnEvent, Trace, options.DeterminismRecord);
        FaultAtlas = new FaultAtlas(Swarm.MemberCount, Prng.Derive(seed, "atlas"), options.Refine, Swarm.ChangesMembers);
        ReplayPlan = new ReplayPlan(options.Reduction);
        Network = new SimulatedNetwork(Time, Swarm, seed, EventLog, Counters);
        CatchUp = new CatchUpChecker(this);
        Leases = SimulatedLeases.Draw(seed, Swarm, options.Leases);
        LeaseChecker = new LeaseChecker(this);
        _recoveryCheckOptions = WalOptions(static () => 1);
        _diskCheckPrng = Prng.Derive(seed, "disks that are opened");
        _entriesUntilDiskCheck = _diskCheckPrng.Between(1, EntriesPerDiskCheck);
        foreach (var id in machines)
            Members.Add(new SimulatedMachine(this, id, seed));
    }

    public RunOptions Options { get; }

    public SwarmOptions Swarm { get; }

    /// <summary>The replicated state machine, its clients and its checks.</summary>
    public ISimulatedApplication Application { get; }

    public VirtualTime Time { get; } = new();

    public RunCounters Counters { get; } = new();

    public EventLog EventLog { get; }

    /// <summary>Writes every step as JSON; null when no trace was requested.</summary>
    public TraceWriter? Trace { get; }

    /// <summary>Checks every step against the specification; null when that was not requested.</summary>
    public Refinement? Refinement { get; }

    public SimulatedNetwork Network { get; }

    /// <summary>The configuration with which the cluster is created.</summary>
    public Configuration Configuration { get; }

    /// <summary>Decides which fault injections and client iterations this run includes, and records those that happened.</summary>
    public ReplayPlan ReplayPlan { get; }

    /// <summary>All machines by id, also those that are no members yet or any more.</summary>
    public List<SimulatedMachine> Members { get; } = [];

    public LeaderHistory LeaderHistory { get; } = new();

    /// <summary>The requests to change the members that had no outcome when they were looked at, and where they were made.</summary>
    public List<(SimulatedProcess Process, Task Outcome)> PendingChanges { get; } = [];

    /// <summary>The members of every configuration that any core ever had.</summary>
    public HashSet<NodeId> EverMembers { get; } = [];

    /// <summary>Checks each log against everything that any log ever contained.</summary>
    public LogChecker LogChecker { get; } = new();

    /// <summary>Checks that each follower catches up while its leader stays.</summary>
    public CatchUpChecker CatchUp { get; }

    /// <summary>The leader leases of the run; null: it has none.</summary>
    public SimulatedLeases? Leases { get; }

    /// <summary>Checks the leader leases.</summary>
    public LeaseChecker LeaseChecker { get; }

    /// <summary>Decides which disks may be corrupted.</summary>
    public FaultAtlas FaultAtlas { get; }

    /// <summary>The pairs in which the first member has recorded the id of the second one's data directory.</summary>
    public HashSet<(NodeId Node, NodeId Peer)> KnownPeers { get; } = [];

    public List<ISimulatedClient> Clients { get; } = [];

    /// <summary>What members propose by themselves, as a server's lease reaper does.</summary>
    public List<ISimulatedClient> MemberClients { get; } = [];

    /// <summary>The member whose state hash was altered at some time; null: none was.</summary>
    public SimulatedMachine? Altered { get; set; }

    /// <summary>How often the clock of any member has jumped.</summary>
    public int ClockJumpCount { get; set; }

    /// <summary>True once fault injection has ended: flushes take their shortest time and no new fault is injected.</summary>
    public bool IsInLivenessPhase { get; private set; }

    /// <summary>Starts all members, faults and clients, and runs them for the duration of the fault phase.</summary>
    public void RunFaultPhase()
    {
        var faults = Swarm.FaultIntervals.Where(f => f.Value > 0).Select(f => $"{f.Key} every {f.Value / 1000} ms");
        EventLog.Record(NodeId.None, $"{Swarm.MemberCount} members, {string.Join(", ", faults)}");
        Application.OnStarting(this);
        foreach (var member in Members)
            Time.ScheduleAfter(member.RestartPrng.Between(0, 100 * VirtualTime.Millisecond), member.Start);
        foreach (var fault in Fault.CreateAll(this, _seed))
            fault.Start();
        for (var i = 0; i < Swarm.ClientCount; i++)
            Clients.Add(Application.CreateClient(this, i));
        CatchUp.Start();
        if (Leases is not null)
            ScheduleChangeOfRate(Prng.Derive(_seed, "rates of clocks"));
        Time.Run(Swarm.FaultPhaseDuration);
    }

    /// <summary>
    /// With leases, the rates of clocks change from time to time, mostly the leader's: with rates that stay, the members with the fastest
    /// clocks would lead, and their leases end early.
    /// </summary>
    private void ScheduleChangeOfRate(Prng prng) => Time.ScheduleAfter(prng.Between(1, VirtualTime.Second), () =>
    {
        if (IsInLivenessPhase)
            return;
        var leader = prng.Chance(500) ? SelfReportedLeaders().FirstOrDefault() : null;
        (leader ?? Members[prng.Next(0, Members.Count)]).Clock.ChangeRate(Swarm.DriftPerMille, prng);
        ScheduleChangeOfRate(prng);
    });

    /// <summary>Ends fault injection: no new fault is injected, and the network delivers everything.</summary>
    public void EnterLivenessPhase()
    {
        EventLog.Record(NodeId.None, "quiet");
        IsInLivenessPhase = true;
        Network.DisableFaults();
    }

    public WalOptions WalOptions(Func<ulong> drawNonce) => new()
    {
        SegmentBytes = Swarm.SegmentBytes,
        PayloadBytesMax = Swarm.SegmentBytes / 4,
        PreallocateInBackground = false,
        GenerateNonce = drawNonce,
    };

    public SnapshotOptions SnapshotOptions(Func<ulong> drawNonce) => new()
    {
        ChunkBytes = Math.Max(1, Swarm.SnapshotChunkBytes),
        FlushBytes = Math.Max(1, 4 * Swarm.SnapshotChunkBytes),
        GenerateNonce = drawNonce,
    };

    /// <summary>When the members take snapshots, and how they fetch those of others.</summary>
    public SnapshotPolicy SnapshotPolicy => new()
    {
        LogBytes = long.MaxValue,
        LogEntries = Swarm.SnapshotEntries == 0 ? long.MaxValue : Swarm.SnapshotEntries,
        SizeDivisor = 1_000_000,
        TailEntries = Swarm.SnapshotTailEntries,
        PartBytes = Math.Max(1, Swarm.SnapshotChunkBytes),
        WindowBytes = Math.Max(1, Swarm.SnapshotChunkBytes * Swarm.SnapshotPartsInFlight),
    };

    /// <summary>The members whose own role is leader; several when some have not received the newer term yet.</summary>
    public IEnumerable<SimulatedMachine> SelfReportedLeaders() => Members.Where(static m => m.Process is { Core.Role: Role.Leader });

    /// <summary>
    /// Picks the member to which a client sends its next request: any member, or with the probability of the run a self-reported leader. Of
    /// several leaders it is the one of the oldest term: a deposed leader that has not received the newer term is the one that could serve
    /// a stale read.
    /// </summary>
    public SimulatedMachine PickTarget(Prng prng)
    {
        var any = Members[prng.Next(0, Members.Count)];
        return prng.Chance(Swarm.RequestsToLeaderPerMille) ? SelfReportedLeaders().MinBy(static m => m.Process!.Core.Term) ?? any : any;
    }

    public void ScheduleRestart(SimulatedMachine member)
    {
        var delay = member.RestartPrng.Pick(10, 300, 300, 2_000, 8_000) * VirtualTime.Millisecond;
        Time.ScheduleAfter(member.RestartPrng.Between(1, IsInLivenessPhase ? 10 * VirtualTime.Millisecond : delay), member.Start);
    }

    /// <summary>Notifies all other members that a process ended, as its operating system does by closing the connections.</summary>
    public void NotifyDisconnect(SimulatedMachine ended)
    {
        if (!Swarm.ProcessEndClosesConnections)
            return;
        foreach (var other in Members.Where(m => m != ended))
        {
            var delay = other.RestartPrng.Between(50, 5 * VirtualTime.Millisecond);
            Time.ScheduleAfter(delay, () => Network.NotifyDisconnect(ended.Id, other.Id));
        }
    }

    /// <summary>Checks, when a client receives the acknowledgement of its entry, that a quorum's disks hold the entry, flushed.</summary>
    public void OnAcknowledged(EntryId entry, object operation)
    {
        LeaderHistory.OnAcknowledged(entry);
        LeaseChecker.OnAcknowledged(entry);
        if (!IsHeldByQuorum(entry, m => m.HoldsFlushed(entry), out var holders))
        {
            var flushed = string.Join(", ", Members.Select(m => m.FlushedIndex));
            throw new ViolationException(
                "DurableOnQuorum",
                $"{operation} was acknowledged at {entry}, flushed on {holders} of {Members.Count} disks; flushed up to: {flushed}");
        }

        if (--_entriesUntilDiskCheck > 0)
            return;
        _entriesUntilDiskCheck = _diskCheckPrng.Between(1, 2 * EntriesPerDiskCheck);
        CheckDisk(Members[_diskCheckPrng.Next(0, Members.Count)], entry);
    }

    /// <summary>Returns a machine by its id.</summary>
    public SimulatedMachine Machine(NodeId id) => Members[(int)id.Value - 1];

    /// <summary>The configuration with which a machine starts for the first time.</summary>
    public Configuration InitialConfigurationOf(SimulatedMachine machine) => machine.IsSpare ? Configuration.None : Configuration;

    /// <summary>The newest configuration that any core knows to be committed.</summary>
    public ConfigurationAt NewestCommitted()
    {
        var newest = new ConfigurationAt(LogIndex.Zero, Configuration);
        foreach (var member in Members)
        {
            if (member.LastCore?.CommittedConfiguration is { Configuration.IsEmpty: false } committed && committed.Index > newest.Index)
                newest = committed;
        }

        return newest;
    }

    /// <summary>
    /// Whether the disk of a member may be lost: it is bound to it, no change is requested, and in each half of every configuration that is
    /// or may come into force, three voters or more remain that count, and they are a majority.
    /// </summary>
    public bool MayLose(SimulatedMachine victim)
    {
        if (NewestCommitted().Configuration.Find(victim.Id) is not { } member || member.Directory == DirectoryId.None
            || PendingChanges.Exists(static pending => !pending.Outcome.IsCompleted))
            return false;
        foreach (var machine in Members)
        {
            if (machine.LastCore is not { Configuration: { IsEmpty: false } configuration })
                continue;
            foreach (var half in new[] { configuration.Voters, configuration.Outgoing })
            {
                var remaining = half.Count(id => id != victim.Id && !Machine(id).IsWiped && configuration.IsCounted(id));
                if (!half.IsEmpty && (remaining < 3 || remaining < Quorum.Majority(half.Length)))
                    return false;
            }
        }

        return true;
    }

    /// <summary>
    /// Whether a quorum of the members holds an entry. When the members change, that is one of some configuration that was in force when
    /// the entry was committed, or later: which one the leader counted by is not known here.
    /// </summary>
    private bool IsHeldByQuorum(EntryId entry, Func<SimulatedMachine, bool> holds, out int holders)
    {
        var holding = Members.Where(holds).Select(static m => m.Id).ToHashSet();
        holders = holding.Count;
        if (!Swarm.ChangesMembers)
            return 2 * holders > Members.Count;
        foreach (var machine in Members)
        {
            if (machine.LastCore is not { } core || core.CommitIndex < entry.Index)
                continue;
            if (IsQuorum(core.Configuration) || IsQuorum(core.CommittedConfiguration.Configuration)
                || (core.SnapshotIndex <= entry.Index && IsQuorum(core.ConfigurationAsOf(entry.Index).Configuration)))
                return true;
        }

        return false;

        bool IsQuorum(Configuration configuration) => !configuration.IsEmpty
            && IsMajority(configuration.Voters) && (!configuration.IsJoint || IsMajority(configuration.Outgoing));

        bool IsMajority(IReadOnlyCollection<NodeId> voters) => 2 * voters.Count(holding.Contains) > voters.Count;
    }

    /// <summary>
    /// Checks on a copy of one disk, after a power cut, that recovery finds all entries that its core knows to be durable and committed.
    /// </summary>
    private void CheckDisk(SimulatedMachine member, EntryId acknowledged)
    {
        if (member.Process is not { Core: var core } || FaultAtlas.IsCorrupted(member.Id))
            return;
        var known = core.CompactedIndex < acknowledged.Index && core.TermAt(acknowledged.Index) == acknowledged.Term
            ? LogIndex.Max(core.CommitIndex, acknowledged.Index)
            : core.CommitIndex;
        var index = LogIndex.Min(known, core.DurableIndex);
        if (index > core.CompactedIndex && core.TermAt(index) is { } term && !Recovers(member, new EntryId(term, index)))
        {
            throw new ViolationException(
                "DurableOnDisk",
                $"{term}/{index} is committed and durable at {member.Id}, but recovery after a power cut does not find it");
        }
    }

    /// <summary>Checks on copies of all disks, after a power cut, that recovery finds an acknowledged entry on a quorum of them.</summary>
    public void CheckDisks(EntryId entry)
    {
        if (!IsHeldByQuorum(entry, m => Recovers(m, entry), out var holders))
        {
            throw new ViolationException(
                "DurableOnQuorum",
                $"{entry} was acknowledged, but after a power cut of all members recovery finds it on {holders} of {Members.Count} disks");
        }
    }

    // A corrupted, wiped or incomplete disk counts if it held the entry before. The fault atlas limits how many disks that can be.
    private bool MayHaveHeld(SimulatedMachine member, EntryId entry) => FaultAtlas.IsCorrupted(member.Id) && member.HoldsFlushed(entry);

    private bool Recovers(SimulatedMachine member, EntryId entry)
    {
        try
        {
            var disk = member.Disk.DurableCopy();
            var identity = member.OpenIdentity(disk, static () => ulong.MaxValue);
            var (log, recovered) = WriteAheadLog.Open(disk, _recoveryCheckOptions, identity);
            using (log)
            {
                var contains = recovered.FirstIndex <= entry.Index && entry.Index <= recovered.LastIndex;
                return (contains && recovered.TermOf(entry.Index) == entry.Term) || IsInSnapshot(disk, entry)
                    || MayHaveHeld(member, entry);
            }
        }
        catch (IOException) when (FaultAtlas.IsCorrupted(member.Id))
        {
            return MayHaveHeld(member, entry);
        }
    }

    /// <summary>Whether the newest snapshot of a disk covers an entry and can be read to its end.</summary>
    private bool IsInSnapshot(SimulatedDisk disk, EntryId entry)
    {
        var store = SnapshotStore.Open(disk, SimulatedMachine.ClusterId, GroupId.First, SnapshotOptions(static () => 1));
        if (store.Newest is not { } newest || newest.Last.Index < entry.Index)
            return false;
        using var content = store.OpenContent(newest);
        content.CopyTo(Stream.Null);
        return true;
    }

    /// <summary>
    /// Hashes the state of a core that changed, and from time to time compares the whole logs of all running cores. New entries of each log
    /// are checked at once (<see cref="LogChecker"/>).
    /// </summary>
    public void CheckCluster(in CoreState changed)
    {
        EventLog.AddToHash(changed.Term.Value ^ (changed.Last.Value << 20) ^ (changed.Commit.Value << 40) ^ changed.Self.Value);
        if (++_changeCount % ChangesPerFullCheck != 0)
            return;
        _runningCores.Clear();
        foreach (var member in Members)
        {
            if (member.Process is { } process)
                _runningCores.Add(process.Core);
        }

        RaftInvariants.CheckCluster(_runningCores);
    }

    public RaftOptions RaftOptionsFor(NodeId self, ulong seed)
    {
        var commandBytes = Swarm.SegmentBytes / 4;
        return new RaftOptions
        {
            Self = self,
            Seed = seed,
            HeartbeatTicks = 10,
            ElectionTicks = 10 * Swarm.ElectionHeartbeats,
            MaxMessageBytes = Swarm.HasTightLimits ? 2048 : 1 << 20,
            MaxInflightMessages = Swarm.HasTightLimits ? 3 : 256,
            MaxInflightBytes = Swarm.HasTightLimits ? 8192 : 16 << 20,
            MaxCommandBytes = commandBytes,
            MaxUncommittedBytes = Swarm.HasTightLimits ? 2 * commandBytes : 64 << 20,
            MaxCachedBytes = Swarm.HasTightLimits ? 1000 : 1 << 20,
            MaxPendingReads = Swarm.HasTightLimits ? 4 : 16_384,
            TickDuration = TimeSpan.FromMilliseconds(Swarm.HeartbeatMs) / 10,
            LeaseDuration = Leases?.Duration ?? TimeSpan.Zero,
        };
    }

    public void Dispose() => Trace?.Dispose();

    /// <summary>Describes the state of every member.</summary>
    public override string ToString() => string.Join('\n', Members.Select(static m => m.Process is { Core: var c }
        ? $"{c.Self}: {c.Role} term {c.Term} vote {c.VotedFor} leader {c.Leader} applied {c.AppliedIndex} commit {c.CommitIndex} " +
            $"durable {c.DurableIndex} last {c.LastTerm}/{c.LastIndex} flushed {m.FlushedIndex} {string.Join(", ", c.Followers)}"
        : $"{m.Id}: down, flushed {m.FlushedIndex}"));
}
