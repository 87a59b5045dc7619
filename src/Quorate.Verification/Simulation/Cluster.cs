using Quorate.Node.Wal;
using Quorate.Raft;
using Quorate.Verification.Simulation.Checks;
using Quorate.Verification.Simulation.Disk;
using Quorate.Verification.Simulation.Faults;
using Quorate.Verification.Simulation.Network;
using Quorate.Verification.Simulation.Workload;
using Quorate.Verification.Specification;
using Quorate.Verification.Tracing;

namespace Quorate.Verification.Simulation;

/// <summary>All of one run: members, network, clients, faults and checks, under one seed and in one virtual time.</summary>
internal sealed class Cluster : IDisposable
{
    /// <summary>After so many acknowledged entries, on the average, a disk is opened: it costs as much as all of them.</summary>
    private const int EntriesPerDiskCheck = 512;

    /// <summary>After so many changes whole logs are held against each other.</summary>
    private const int ChangesPerFullCheck = 128;

    private readonly ulong _seed;
    private readonly List<RaftCore> _runningCores = [];
    private readonly WalOptions _recoveryCheckOptions;
    private int _changeCount;
    private readonly Prng _diskCheckPrng;
    private long _entriesUntilDiskCheck;

    public Cluster(ulong seed, SwarmOptions swarm, IApplication application, RunOptions options)
    {
        _seed = seed;
        Options = options;
        Swarm = swarm;
        Application = application;
        Configuration = new Configuration(Enumerable.Range(1, Swarm.MemberCount).Select(static i => new NodeId((ulong)i)));
        Trace = options.Trace is { } target ? new TraceWriter(target, seed, Configuration.Members) : null;
        Refinement = options.Refine ? new Refinement(Configuration) : null;
        EventLog = new EventLog(Time, options.OnEvent, Trace, options.DeterminismRecord);
        FaultAtlas = new FaultAtlas(Swarm.MemberCount, Prng.Derive(seed, "atlas"));
        ReplayPlan = new ReplayPlan(options.Reduction);
        Network = new SimulatedNetwork(Time, Swarm, seed, EventLog, Counters);
        _recoveryCheckOptions = WalOptions(static () => 1);
        _diskCheckPrng = Prng.Derive(seed, "disks that are opened");
        _entriesUntilDiskCheck = _diskCheckPrng.Between(1, EntriesPerDiskCheck);
        foreach (var id in Configuration.Members)
            Members.Add(new SimulatedMachine(this, id, seed));
    }

    public RunOptions Options { get; }

    public SwarmOptions Swarm { get; }

    /// <summary>What is replicated, and who uses it.</summary>
    public IApplication Application { get; }

    public VirtualTime Time { get; } = new();

    public Counters Counters { get; } = new();

    public EventLog EventLog { get; }

    /// <summary>Where every step is written down, if anybody wants to read it.</summary>
    public TraceWriter? Trace { get; }

    /// <summary>What holds every step to the specification, if that is asked for.</summary>
    public Refinement? Refinement { get; }

    public SimulatedNetwork Network { get; }

    public Configuration Configuration { get; }

    /// <summary>What is left out of this run, and what was done.</summary>
    public ReplayPlan ReplayPlan { get; }

    public List<SimulatedMachine> Members { get; } = [];

    public LeaderHistory LeaderHistory { get; } = new();

    /// <summary>What any log ever was.</summary>
    public LogChecker LogChecker { get; } = new();

    /// <summary>Whose disks may be damaged.</summary>
    public FaultAtlas FaultAtlas { get; }

    /// <summary>Who has met whom, and remembers with which folder.</summary>
    public HashSet<(NodeId By, NodeId Whom)> KnownPeers { get; } = [];

    public List<IClient> Clients { get; } = [];

    /// <summary>Faults have ended: the disks are quick and nothing new goes wrong.</summary>
    public bool IsInLivenessPhase { get; private set; }

    /// <summary>Starts everybody and lets the faults and the clients do as they like.</summary>
    public void RunFaultPhase()
    {
        EventLog.Record(NodeId.None, $"{Swarm.MemberCount} members, {string.Join(", ", Swarm.FaultIntervals.Where(f => f.Value > 0).Select(f => $"{f.Key} every {f.Value / 1000} ms"))}");
        foreach (var member in Members)
            Time.ScheduleAfter(member.RestartPrng.Between(0, 100 * VirtualTime.Millisecond), member.Start);
        foreach (var fault in Fault.CreateAll(this, _seed))
            fault.Start();
        for (var i = 0; i < Swarm.ClientCount; i++)
            Clients.Add(Application.CreateClient(this, i));
        Time.Run(Swarm.FaultPhaseDuration);
    }

    /// <summary>The faults end.</summary>
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

    /// <summary>All who believe that they lead.</summary>
    public IEnumerable<SimulatedMachine> SelfReportedLeaders() => Members.Where(static m => m.Process is { Core.Role: Role.Leader });

    /// <summary>
    /// Where a client asks next: anywhere; in some runs more often than not at somebody who believes to lead, and of several at the one of the oldest term. One that was deposed and
    /// has not heard of it is who may give an answer that is out of date.
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

    /// <summary>Its system closes its connections: those who notice think it gone.</summary>
    public void NotifyDisconnect(SimulatedMachine ended)
    {
        if (!Swarm.ProcessEndClosesConnections)
            return;
        foreach (var other in Members.Where(m => m != ended))
            Time.ScheduleAfter(other.RestartPrng.Between(50, 5 * VirtualTime.Millisecond), () => Network.NotifyDisconnect(ended.Id, other.Id));
    }

    /// <summary>A client is told that its entry is committed: at this very moment a quorum's disks hold it, flushed.</summary>
    public void OnAcknowledged(EntryId entry, object operation)
    {
        LeaderHistory.OnAcknowledged(entry);
        var holders = Members.Count(m => m.HoldsFlushed(entry));
        if (2 * holders <= Members.Count)
            throw new ViolationException("DurableOnQuorum", $"{operation} is acknowledged at {entry}, flushed on {holders} of {Members.Count} disks: {string.Join(", ", Members.Select(m => m.FlushedIndex))}");
        if (--_entriesUntilDiskCheck > 0)
            return;
        _entriesUntilDiskCheck = _diskCheckPrng.Between(1, 2 * EntriesPerDiskCheck);
        CheckDisk(Members[_diskCheckPrng.Next(0, Members.Count)], entry);
    }

    /// <summary>Cuts the power of a copy of one disk: what its core takes for durable and knows to be committed, the real recovery finds there.</summary>
    private void CheckDisk(SimulatedMachine member, EntryId acknowledged)
    {
        if (member.Process is not { Core: var core } || FaultAtlas.IsCorrupted(member.Id))
            return;
        var known = core.TermAt(acknowledged.Index) == acknowledged.Term ? LogIndex.Max(core.CommitIndex, acknowledged.Index) : core.CommitIndex;
        var index = LogIndex.Min(known, core.DurableIndex);
        if (index > core.SnapshotIndex && core.TermAt(index) is { } term && !Recovers(member, new EntryId(term, index)))
            throw new ViolationException("DurableOnDisk", $"{term}/{index} is committed and durable at {member.Id}; a power cut takes it away");
    }

    /// <summary>Cuts the power of copies of all disks and lets the real recovery say what is there.</summary>
    public void CheckDisks(EntryId entry)
    {
        var holders = Members.Count(m => Recovers(m, entry));
        if (2 * holders <= Members.Count)
            throw new ViolationException("DurableOnQuorum", $"{entry} is acknowledged; a power cut of all leaves it on {holders} of {Members.Count} disks");
    }

    // A damaged disk, or one that was lost, may have held it. The atlas sees to it that not all are.
    private bool MayHaveHeld(SimulatedMachine member, EntryId entry) => FaultAtlas.IsCorrupted(member.Id) && member.HoldsFlushed(entry);

    private bool Recovers(SimulatedMachine member, EntryId entry)
    {
        try
        {
            var (log, recovered) = WriteAheadLog.Open(member.Disk.DurableCopy(), _recoveryCheckOptions);
            using (log)
                return (recovered.FirstIndex <= entry.Index && entry.Index <= recovered.LastIndex && recovered.TermOf(entry.Index) == entry.Term) || MayHaveHeld(member, entry);
        }
        catch (WalCorruptionException) when (FaultAtlas.IsCorrupted(member.Id))
        {
            return MayHaveHeld(member, entry);
        }
    }

    /// <summary>Somebody has changed. Now and then all running cores are held against each other, whole logs: what comes to each is held against what there ever was (<see cref="LogChecker"/>).</summary>
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
        };
    }

    public void Dispose() => Trace?.Dispose();

    /// <summary>How everybody stands.</summary>
    public override string ToString() => string.Join('\n', Members.Select(static m => m.Process is { Core: var c }
        ? $"{c.Self}: {c.Role} term {c.Term} vote {c.VotedFor} leader {c.Leader} applied {c.AppliedIndex} commit {c.CommitIndex} durable {c.DurableIndex} last {c.LastTerm}/{c.LastIndex} on disk {m.FlushedIndex} {string.Join(", ", c.Followers)}"
        : $"{m.Id}: down, on disk {m.FlushedIndex}"));
}
