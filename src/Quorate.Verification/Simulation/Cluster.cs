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
    private const int DiskChecksApart = 512;

    /// <summary>After so many changes whole logs are held against each other.</summary>
    private const int WholeLooksApart = 128;

    private readonly ulong _seed;
    private readonly List<RaftCore> _running = [];
    private readonly WalOptions _checkingOptions;
    private int _changes;
    private readonly Dice _opens;
    private long _untilDiskCheck;

    public Cluster(ulong seed, Weather weather, IApplication application, RunOptions options)
    {
        _seed = seed;
        Options = options;
        Weather = weather;
        Application = application;
        Configuration = new Configuration(Enumerable.Range(1, Weather.Members).Select(static i => new NodeId((ulong)i)));
        Trace = options.Trace is { } target ? new TraceWriter(target, seed, Configuration.Members) : null;
        Refinement = options.Refine ? new Refinement(Configuration) : null;
        Chronicle = new Chronicle(Time, options.OnEvent, Trace, options.DeterminismRecord);
        Atlas = new Atlas(Weather.Members, Dice.For(seed, "atlas"));
        Decisions = new Decisions(options.Reduction);
        Network = new SimulatedNetwork(Time, Weather, seed, Chronicle, Tally);
        _checkingOptions = WalOptions(static () => 1);
        _opens = Dice.For(seed, "disks that are opened");
        _untilDiskCheck = _opens.Between(1, DiskChecksApart);
        foreach (var id in Configuration.Members)
            Members.Add(new Member(this, id, seed));
    }

    public RunOptions Options { get; }

    public Weather Weather { get; }

    /// <summary>What is replicated, and who uses it.</summary>
    public IApplication Application { get; }

    public VirtualTime Time { get; } = new();

    public Tally Tally { get; } = new();

    public Chronicle Chronicle { get; }

    /// <summary>Where every step is written down, if anybody wants to read it.</summary>
    public TraceWriter? Trace { get; }

    /// <summary>What holds every step to the specification, if that is asked for.</summary>
    public Refinement? Refinement { get; }

    public SimulatedNetwork Network { get; }

    public Configuration Configuration { get; }

    /// <summary>What is left out of this run, and what was done.</summary>
    public Decisions Decisions { get; }

    public List<Member> Members { get; } = [];

    public Reigns Reigns { get; } = new();

    /// <summary>What any log ever was.</summary>
    public LogLedger Logs { get; } = new();

    /// <summary>Whose disks may be damaged.</summary>
    public Atlas Atlas { get; }

    /// <summary>Who has met whom, and remembers with which folder.</summary>
    public HashSet<(NodeId By, NodeId Whom)> Met { get; } = [];

    public List<IClient> Clients { get; } = [];

    /// <summary>Faults have ended: the disks are quick and nothing new goes wrong.</summary>
    public bool IsQuiet { get; private set; }

    /// <summary>Starts everybody and lets the faults and the clients do as they like.</summary>
    public void Live()
    {
        Chronicle.Note(NodeId.None, $"{Weather.Members} members, {string.Join(", ", Weather.Faults.Where(f => f.Value > 0).Select(f => $"{f.Key} every {f.Value / 1000} ms"))}");
        foreach (var member in Members)
            Time.After(member.Restarts.Between(0, 100 * VirtualTime.Millisecond), member.Start);
        foreach (var fault in Fault.All(this, _seed))
            fault.Begin();
        for (var i = 0; i < Weather.Clients; i++)
            Clients.Add(Application.NewClient(this, i));
        Time.Run(Weather.Duration);
    }

    /// <summary>The faults end.</summary>
    public void BecomeQuiet()
    {
        Chronicle.Note(NodeId.None, "quiet");
        IsQuiet = true;
        Network.Calm();
    }

    public WalOptions WalOptions(Func<ulong> drawNonce) => new()
    {
        SegmentBytes = Weather.SegmentBytes,
        PayloadBytesMax = Weather.SegmentBytes / 4,
        PreallocateInBackground = false,
        GenerateNonce = drawNonce,
    };

    /// <summary>All who believe that they lead.</summary>
    public IEnumerable<Member> BelievedLeaders() => Members.Where(static m => m.Process is { Core.Role: Role.Leader });

    /// <summary>
    /// Where a client asks next: anywhere; in some runs more often than not at somebody who believes to lead, and of several at the one of the oldest term. One that was deposed and
    /// has not heard of it is who may give an answer that is out of date.
    /// </summary>
    public Member WhomToAsk(Dice dice)
    {
        var any = Members[dice.Next(0, Members.Count)];
        return dice.Chance(Weather.AsksLeaders) ? BelievedLeaders().MinBy(static m => m.Process!.Core.Term) ?? any : any;
    }

    public void RestartLater(Member member)
    {
        var delay = member.Restarts.Pick(10, 300, 300, 2_000, 8_000) * VirtualTime.Millisecond;
        Time.After(member.Restarts.Between(1, IsQuiet ? 10 * VirtualTime.Millisecond : delay), member.Start);
    }

    /// <summary>Its system closes its connections: those who notice think it gone.</summary>
    public void TellThatItEnded(Member ended)
    {
        if (!Weather.ConnectionsClose)
            return;
        foreach (var other in Members.Where(m => m != ended))
            Time.After(other.Restarts.Between(50, 5 * VirtualTime.Millisecond), () => Network.TellClosed(ended.Id, other.Id));
    }

    /// <summary>A client is told that its entry is committed: at this very moment a quorum's disks hold it, flushed.</summary>
    public void Acknowledge(EntryId entry, object operation)
    {
        Reigns.Acknowledge(entry);
        var holders = Members.Count(m => m.HoldsFlushed(entry));
        if (2 * holders <= Members.Count)
            throw new ViolationException("DurableOnQuorum", $"{operation} is acknowledged at {entry}, flushed on {holders} of {Members.Count} disks: {string.Join(", ", Members.Select(m => m.OnDisk))}");
        if (--_untilDiskCheck > 0)
            return;
        _untilDiskCheck = _opens.Between(1, 2 * DiskChecksApart);
        CheckDisk(Members[_opens.Next(0, Members.Count)], entry);
    }

    /// <summary>Cuts the power of a copy of one disk: what its core takes for durable and knows to be committed, the real recovery finds there.</summary>
    private void CheckDisk(Member member, EntryId acknowledged)
    {
        if (member.Process is not { Core: var core } || Atlas.IsDamaged(member.Id))
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
    private bool MayHaveHeld(Member member, EntryId entry) => Atlas.IsDamaged(member.Id) && member.HoldsFlushed(entry);

    private bool Recovers(Member member, EntryId entry)
    {
        try
        {
            var (log, recovered) = WriteAheadLog.Open(member.Disk.DurableCopy(), _checkingOptions);
            using (log)
                return (recovered.FirstIndex <= entry.Index && entry.Index <= recovered.LastIndex && recovered.TermOf(entry.Index) == entry.Term) || MayHaveHeld(member, entry);
        }
        catch (WalCorruptionException) when (Atlas.IsDamaged(member.Id))
        {
            return MayHaveHeld(member, entry);
        }
    }

    /// <summary>Somebody has changed. Now and then all running cores are held against each other, whole logs: what comes to each is held against what there ever was (<see cref="Logs"/>).</summary>
    public void CheckAcross(in CoreState changed)
    {
        Chronicle.Mix(changed.Term.Value ^ (changed.Last.Value << 20) ^ (changed.Commit.Value << 40) ^ changed.Self.Value);
        if (++_changes % WholeLooksApart != 0)
            return;
        _running.Clear();
        foreach (var member in Members)
        {
            if (member.Process is { } process)
                _running.Add(process.Core);
        }

        RaftInvariants.CheckCluster(_running);
    }

    public RaftOptions OptionsOf(NodeId self, ulong seed)
    {
        var commandBytes = Weather.SegmentBytes / 4;
        return new RaftOptions
        {
            Self = self,
            Seed = seed,
            HeartbeatTicks = 10,
            ElectionTicks = 10 * Weather.ElectionHeartbeats,
            MaxMessageBytes = Weather.IsTight ? 2048 : 1 << 20,
            MaxInflightMessages = Weather.IsTight ? 3 : 256,
            MaxInflightBytes = Weather.IsTight ? 8192 : 16 << 20,
            MaxCommandBytes = commandBytes,
            MaxUncommittedBytes = Weather.IsTight ? 2 * commandBytes : 64 << 20,
            MaxCachedBytes = Weather.IsTight ? 1000 : 1 << 20,
            MaxPendingReads = Weather.IsTight ? 4 : 16_384,
        };
    }

    public void Dispose() => Trace?.Dispose();

    /// <summary>How everybody stands.</summary>
    public override string ToString() => string.Join('\n', Members.Select(static m => m.Process is { Core: var c }
        ? $"{c.Self}: {c.Role} term {c.Term} vote {c.VotedFor} leader {c.Leader} applied {c.AppliedIndex} commit {c.CommitIndex} durable {c.DurableIndex} last {c.LastTerm}/{c.LastIndex} on disk {m.OnDisk} {string.Join(", ", c.Followers)}"
        : $"{m.Id}: down, on disk {m.OnDisk}"));
}
