using Quorate.Raft;
using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation.Faults;
using static Quorate.Verification.Simulation.VirtualTime;

namespace Quorate.Verification.Simulation;

/// <summary>
/// The options that a seed draws before a run starts: the cluster, its settings, and which faults are enabled at all (swarm testing).
/// </summary>
/// <remarks>
/// A run with every fault enabled is dominated by crashes and never reaches the states that a long partition alone would reach. So each
/// fault is disabled in about half of all runs. Times are microseconds; a fault with a mean interval of 0 is disabled.
/// </remarks>
internal sealed record SwarmOptions
{
    /// <summary>
    /// The faults of links and clocks that act all the time and are not injected at single times. These are their names in
    /// <see cref="FaultSet"/>.
    /// </summary>
    public static IReadOnlyList<string> ContinuousFaults { get; } =
        ["lost messages", "duplicated messages", "stale messages", "reordered messages", "drifting clocks"];

    /// <summary>The number of members with which the cluster is created.</summary>
    public int MemberCount { get; private init; }

    /// <summary>
    /// The number of machines that run from the beginning without being members; 0: the members never change. Their ids follow those of
    /// the members.
    /// </summary>
    public int SpareCount { get; private init; }

    /// <summary>The mean interval between two requests to change the members, and to transfer leadership, microseconds.</summary>
    public long MemberChangeInterval { get; private init; }

    /// <summary>Whether members are added and removed.</summary>
    public bool ChangesMembers => SpareCount > 0;

    public long FaultPhaseDuration { get; private init; }

    public int HeartbeatMs { get; private init; }

    public int ElectionHeartbeats { get; private init; }

    /// <summary>Windows, limits and caches are so small that every limit is reached.</summary>
    public bool HasTightLimits { get; private init; }

    public int SegmentBytes { get; private init; }

    public int ClientCount { get; private init; }

    public long ThinkTimeMax { get; private init; }

    /// <summary>The share of reads among the clients' requests, per mille.</summary>
    public int ReadsPerMille { get; private init; }

    /// <summary>Some transactions and reads have several keys; then all keys share one history instead of having one each.</summary>
    public bool HasMultiKeyOperations { get; private init; }

    /// <summary>Members have lease reapers, and there are leases that only these end.</summary>
    public bool HasTimedLeases { get; private init; }

    /// <summary>A commit takes little time while a quorum is up: links are fast and lose few messages, and limits are not tight.</summary>
    public bool CommitsQuickly => LossPerMille <= 10 && DelayMax <= 20 * Millisecond && !HasTightLimits;

    /// <summary>The share of requests that go to a self-reported leader, per mille.</summary>
    public int RequestsToLeaderPerMille { get; private init; }

    public int PayloadBytesMax { get; private init; }

    public long DelayMin { get; private init; }

    public long DelayMax { get; private init; }

    /// <summary>
    /// The number of members that are far from all others, as in another region; the last ones by id. The links between the others have the
    /// delays of the run.
    /// </summary>
    public int FarMemberCount { get; private init; }

    /// <summary>The delay of the links of far members, in one direction.</summary>
    public long FarDelayMin { get; private init; }

    public long FarDelayMax { get; private init; }

    /// <summary>The share of messages that are lost, per mille.</summary>
    public int LossPerMille { get; private init; }

    /// <summary>The share of messages that are delivered twice, per mille.</summary>
    public int DuplicatesPerMille { get; private init; }

    /// <summary>The share of messages that are delivered a second time, seconds later, per mille.</summary>
    public int StalePerMille { get; private init; }

    /// <summary>Messages on a link may overtake each other.</summary>
    public bool ReordersMessages { get; private init; }

    /// <summary>The connections of a process close when it ends, so that its peers notice.</summary>
    public bool ProcessEndClosesConnections { get; private init; }

    public long FlushMin { get; private init; }

    public long FlushMax { get; private init; }

    /// <summary>
    /// The longest flush of a member while it leads; 0 if its disk is like the others. Never shorter than theirs, so that the others commit
    /// before the leader has flushed, throughout the run.
    /// </summary>
    public long LeaderFlushMax { get; private init; }

    public long ApplyMax { get; private init; }

    /// <summary>The entries after which a member takes a snapshot; 0: no member takes any.</summary>
    public int SnapshotEntries { get; private init; }

    /// <summary>The most entries before a snapshot that stay in the log.</summary>
    public int SnapshotTailEntries { get; private init; }

    /// <summary>The bytes of a chunk of a snapshot file, and of the parts in which it is fetched.</summary>
    public int SnapshotChunkBytes { get; private init; }

    /// <summary>The parts of a snapshot that may be in flight.</summary>
    public int SnapshotPartsInFlight { get; private init; }

    /// <summary>The entries between two comparisons of state hashes; 0: none are compared.</summary>
    public int StateHashInterval { get; private init; }

    /// <summary>The largest deviation of a clock's rate, per mille.</summary>
    public int DriftPerMille { get; private init; }

    /// <summary>
    /// The share of single-member faults that are aimed at the leader, per mille: a fault of the leader has the largest effect.
    /// </summary>
    public int FaultsOnLeaderPerMille { get; private init; }

    /// <summary>A minority may stay faulty in the liveness phase.</summary>
    public bool MinorityStaysFaulty { get; private init; } = true;

    /// <summary>The mean interval between two injections of a fault, by the fault's name.</summary>
    public IReadOnlyDictionary<string, long> FaultIntervals { get; private init; } = new Dictionary<string, long>();

    public long ElectionTimeout => HeartbeatMs * Millisecond * ElectionHeartbeats;

    /// <summary>
    /// The time of a request at a far member: to the leader, from there to a quorum, back to the leader, and back. Clients wait as much
    /// longer.
    /// </summary>
    public long FarRequestTime => FarMemberCount > 0 ? 4 * FarDelayMax : 0;

    /// <summary>Returns the least and the longest delay of a link, in one direction.</summary>
    public (long Min, long Max) DelaysOf(NodeId from, NodeId to) =>
        IsFar(from) || IsFar(to) ? (FarDelayMin, FarDelayMax) : (DelayMin, DelayMax);

    /// <summary>Whether a member is far from all others.</summary>
    public bool IsFar(NodeId member) => FarMemberCount > 0 && member.Value > (ulong)(MemberCount - FarMemberCount);

    /// <summary>Returns the same options with clocks that deviate by up to so much.</summary>
    public SwarmOptions WithDrift(int perMille) => this with { DriftPerMille = perMille };

    /// <summary>
    /// Returns the same options with members that change. Which of them are needed at the end is not known before, so none stays faulty.
    /// </summary>
    public SwarmOptions WithMemberChanges(ulong seed)
    {
        var prng = Prng.Derive(seed, "member changes");
        return this with
        {
            SpareCount = prng.Pick(1, 2, 3, 4),
            MemberChangeInterval = prng.Pick(200, 500, 2_000) * Millisecond,
            MinorityStaysFaulty = false,
        };
    }

    /// <summary>Returns the same options without the faults that a reduction disables.</summary>
    public SwarmOptions Without(RunReduction reduction)
    {
        bool IsDisabled(string fault) => reduction.DisabledFaults.Contains(fault);
        return this with
        {
            MemberCount = reduction.Members ?? MemberCount,
            FaultPhaseDuration = Math.Min(reduction.FaultPhaseDuration ?? FaultPhaseDuration, reduction.Until ?? long.MaxValue),
            LossPerMille = IsDisabled("loss") ? 0 : LossPerMille,
            DuplicatesPerMille = IsDisabled("duplicates") ? 0 : DuplicatesPerMille,
            StalePerMille = IsDisabled("stale") ? 0 : StalePerMille,
            ReordersMessages = ReordersMessages && !IsDisabled("reordering"),
            DriftPerMille = IsDisabled("drift") ? 0 : DriftPerMille,
            DelayMax = IsDisabled("slow-links") ? DelayMin : DelayMax,
            FarMemberCount = IsDisabled("slow-links") ? 0 : Math.Min(FarMemberCount, reduction.Members ?? MemberCount),
            FlushMax = IsDisabled("slow-disks") ? FlushMin : FlushMax,
            LeaderFlushMax = IsDisabled("slow-disks") ? 0 : LeaderFlushMax,
            ApplyMax = IsDisabled("slow-machines") ? 1 : ApplyMax,
            ProcessEndClosesConnections = ProcessEndClosesConnections && !IsDisabled("closing"),
            HasTightLimits = HasTightLimits && !IsDisabled("tight"),
            MinorityStaysFaulty = MinorityStaysFaulty && !IsDisabled("broken"),
        };
    }

    public static SwarmOptions Draw(ulong seed, Verification.FaultSet faults)
    {
        // The name is hashed into the stream's seed. Another name would change the options of every seed, and the trace hash that
        // DeterminismTests pins.
        var prng = Prng.Derive(seed, "weather");
        int IfEnabled(string fault, int drawn) => faults.Contains(fault) ? drawn : 0;
        var (delayMin, delayMax) = prng.Pick<(long, long)>((50, 300), (200, 3_000), (1_000, 20_000), (5_000, 150_000));
        var (flushMin, flushMax) = prng.Pick<(long, long)>((20, 100), (100, 2_000), (100, 2_000), (2_000, 60_000));
        var segmentBytes = prng.Pick(16, 16, 32, 64) * 1024;
        var options = new SwarmOptions
        {
            MemberCount = prng.Pick(1, 2, 3, 3, 3, 4, 5, 5, 5, 6, 7),
            FaultPhaseDuration = prng.Pick(8, 15, 15, 30) * Second,
            HeartbeatMs = prng.Pick(50, 100, 100),
            ElectionHeartbeats = prng.Pick(5, 10, 10),
            HasTightLimits = prng.Chance(300),
            SegmentBytes = segmentBytes,
            ClientCount = prng.Pick(1, 3, 6, 12),
            ThinkTimeMax = prng.Pick(5, 30, 150) * Millisecond,
            // Some of the largest payloads exceed the cluster's limit.
            PayloadBytesMax = prng.Pick(8, 100, 1_000, segmentBytes / 4 + 64),
            DelayMin = delayMin,
            DelayMax = delayMax,
            LossPerMille = IfEnabled("lost messages", prng.Pick(0, 0, 10, 100, 300)),
            DuplicatesPerMille = IfEnabled("duplicated messages", prng.Pick(0, 0, 20, 300)),
            StalePerMille = IfEnabled("stale messages", prng.Pick(0, 0, 2, 20)),
            ReordersMessages = IfEnabled("reordered messages", prng.Chance(400) ? 1 : 0) > 0,
            ProcessEndClosesConnections = prng.Chance(700),
            FlushMin = flushMin,
            FlushMax = flushMax,
            ApplyMax = prng.Pick(10, 10, 1_000, 20_000),
            DriftPerMille = IfEnabled("drifting clocks", prng.Pick(0, 0, 1, 50, 200)),
            FaultsOnLeaderPerMille = prng.Pick(0, 300, 800),
            ReadsPerMille = prng.Pick(150, 300, 300, 700),
            HasMultiKeyOperations = prng.Chance(300),
            HasTimedLeases = Prng.Derive(seed, "timed leases").Chance(500),
            RequestsToLeaderPerMille = prng.Pick(0, 0, 300, 700),
            StateHashInterval = Prng.Derive(seed, "state hashes").Pick(0, 4, 16, 64),
            FaultIntervals = DrawFaultIntervals(seed, faults),
        };
        return options.WithFarMembers(Prng.Derive(seed, "far members")).WithSlowLeaderDisk(Prng.Derive(seed, "slow leader disk"))
            .WithSnapshots(Prng.Derive(seed, "snapshots"));
    }

    /// <summary>
    /// In some runs, the disk of the member that leads is the slowest throughout: a flush takes up to a third of an election timeout
    /// longer than any other member's, and is too short to count as a stalled disk. Only where the others are a quorum without the leader.
    /// </summary>
    private SwarmOptions WithSlowLeaderDisk(Prng prng) =>
        prng.Chance(150) && MemberCount >= 3 ? this with { LeaderFlushMax = FlushMax + ElectionTimeout / 3 } : this;

    /// <summary>
    /// In most runs, members take snapshots, often so many that a follower that was away for a moment needs one, and that the next one is
    /// taken while a follower receives the last.
    /// </summary>
    private SwarmOptions WithSnapshots(Prng prng)
    {
        var (isChosen, entries, tail) = (prng.Chance(700), prng.Pick(5, 20, 50, 200), prng.Pick(0, 0, 3, 30));
        var (chunkBytes, parts) = (prng.Pick(100, 500, 4_000), prng.Pick(1, 3, 20));

        // One small part in each long round trip would never be a whole snapshot.
        if (FarMemberCount > 0 || DelayMax > 5 * Millisecond)
            (chunkBytes, parts) = (Math.Max(chunkBytes, 2_000), 20);
        if (PayloadBytesMax > 1_000)
            chunkBytes = Math.Max(chunkBytes, 20_000);
        return !isChosen ? this : this with
        {
            SnapshotEntries = entries,
            SnapshotTailEntries = tail,
            SnapshotChunkBytes = chunkBytes,
            SnapshotPartsInFlight = parts,
        };
    }

    /// <summary>
    /// In some runs, moves all members apart, or a minority away from the rest: the round trip takes a tenth of a heartbeat interval up to
    /// three intervals. Heartbeats, read rounds and probes then overtake the replies to each other, and a quorum that is close confirms
    /// reads faster than a far member replies.
    /// </summary>
    private SwarmOptions WithFarMembers(Prng prng)
    {
        var (isChosen, areAllFar) = (prng.Chance(300), prng.Chance(400));
        var roundTripPerMille = prng.Pick(100, 500, 1_000, 1_600, 3_000);
        var jitterPerMille = prng.Pick(0, 100, 500);
        if (!isChosen)
            return this;
        var delay = HeartbeatMs * Millisecond * roundTripPerMille / 2_000;
        areAllFar |= MemberCount < 3;
        return this with
        {
            FarMemberCount = areAllFar ? MemberCount : (MemberCount - 1) / 2,
            FarDelayMin = delay * (1_000 - jitterPerMille) / 1_000,
            FarDelayMax = delay * (1_000 + jitterPerMille) / 1_000,

            // An election takes several round trips. And the smallest windows carry a few entries in each round trip: a far member would
            // never catch up with members that are close to each other.
            ElectionHeartbeats = 10,
            HasTightLimits = HasTightLimits && areAllFar,
        };
    }

    /// <summary>
    /// Draws each fault's interval from a stream of the fault's name, so that a new fault does not change the intervals of the others.
    /// </summary>
    private static Dictionary<string, long> DrawFaultIntervals(ulong seed, Verification.FaultSet faults)
    {
        var intervals = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var fault in Fault.Names)
        {
            var prng = Prng.Derive(seed, "mean of " + fault);
            intervals[fault] = faults.Contains(fault) ? prng.Pick(0, 0, 0, 500, 2_000, 8_000) * Millisecond : 0;
        }

        return intervals;
    }
}
