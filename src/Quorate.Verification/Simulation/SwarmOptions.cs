using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation.Faults;
using static Quorate.Verification.Simulation.VirtualTime;

namespace Quorate.Verification.Simulation;

/// <summary>What a seed draws before anything happens: the cluster, its options, and which faults exist at all (swarm testing).</summary>
/// <remarks>
/// A run with every fault on is busy with crashes and never sees what a long partition alone would show. So each fault is off in about half of
/// all runs. Times are microseconds; of a mean of 0 the fault does not exist.
/// </remarks>
internal sealed record SwarmOptions
{
    /// <summary>What may be wrong with links and clocks all the time, by the names under which it can be left out.</summary>
    public static IReadOnlyList<string> ContinuousFaults { get; } = ["lost messages", "repeated messages", "messages long after", "reordered messages", "drifting clocks"];

    public int MemberCount { get; private init; }

    public long FaultPhaseDuration { get; private init; }

    public int HeartbeatMs { get; private init; }

    public int ElectionHeartbeats { get; private init; }

    /// <summary>Windows, caps and caches so small that every bound is met.</summary>
    public bool HasTightLimits { get; private init; }

    public int SegmentBytes { get; private init; }

    public int ClientCount { get; private init; }

    public long ThinkTimeMax { get; private init; }

    /// <summary>Reads among what clients ask, of a thousand.</summary>
    public int ReadsPerMille { get; private init; }

    /// <summary>Some transactions and reads are of several keys; then the keys have one history and not one each.</summary>
    public bool HasMultiKeyOperations { get; private init; }

    /// <summary>Of a thousand questions so many go to somebody who believes to lead.</summary>
    public int RequestsToLeaderPerMille { get; private init; }

    public int PayloadBytesMax { get; private init; }

    public long DelayMin { get; private init; }

    public long DelayMax { get; private init; }

    /// <summary>Messages lost, of a thousand.</summary>
    public int LossPerMille { get; private init; }

    /// <summary>Messages that come twice, of a thousand.</summary>
    public int DuplicatesPerMille { get; private init; }

    /// <summary>Messages that come once more, seconds later, of a thousand.</summary>
    public int StalePerMille { get; private init; }

    /// <summary>Messages overtake each other.</summary>
    public bool ReordersMessages { get; private init; }

    /// <summary>A process that ends is noticed by its peers.</summary>
    public bool ProcessEndClosesConnections { get; private init; }

    public long FlushMin { get; private init; }

    public long FlushMax { get; private init; }

    public long ApplyMax { get; private init; }

    /// <summary>How far a clock may be off, parts in a thousand.</summary>
    public int DriftPerMille { get; private init; }

    /// <summary>Faults that strike one member strike the leader, of a thousand: it is who has most to lose.</summary>
    public int FaultsOnLeaderPerMille { get; private init; }

    /// <summary>In the quiet phase a minority may stay broken.</summary>
    public bool MinorityStaysFaulty { get; private init; } = true;

    /// <summary>The mean time between two strikes of a fault, by its name.</summary>
    public IReadOnlyDictionary<string, long> FaultIntervals { get; private init; } = new Dictionary<string, long>();

    public long ElectionTimeout => HeartbeatMs * Millisecond * ElectionHeartbeats;

    /// <summary>The same weather, spared some of its hardships.</summary>
    public SwarmOptions Without(Reduction reduction)
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
            FlushMax = IsDisabled("slow-disks") ? FlushMin : FlushMax,
            ApplyMax = IsDisabled("slow-machines") ? 1 : ApplyMax,
            ProcessEndClosesConnections = ProcessEndClosesConnections && !IsDisabled("closing"),
            HasTightLimits = HasTightLimits && !IsDisabled("tight"),
            MinorityStaysFaulty = MinorityStaysFaulty && !IsDisabled("broken"),
        };
    }

    public static SwarmOptions Draw(ulong seed, Verification.FaultSet faults)
    {
        var prng = Prng.Derive(seed, "weather");
        int IfEnabled(string fault, int drawn) => faults.Contains(fault) ? drawn : 0;
        var (delayMin, delayMax) = prng.Pick<(long, long)>((50, 300), (200, 3_000), (1_000, 20_000), (5_000, 150_000));
        var (flushMin, flushMax) = prng.Pick<(long, long)>((20, 100), (100, 2_000), (100, 2_000), (2_000, 60_000));
        var segmentBytes = prng.Pick(16, 16, 32, 64) * 1024;
        return new SwarmOptions
        {
            MemberCount = prng.Pick(1, 2, 3, 3, 3, 4, 5, 5, 5, 6, 7),
            FaultPhaseDuration = prng.Pick(8, 15, 15, 30) * Second,
            HeartbeatMs = prng.Pick(50, 100, 100),
            ElectionHeartbeats = prng.Pick(5, 10, 10),
            HasTightLimits = prng.Chance(300),
            SegmentBytes = segmentBytes,
            ClientCount = prng.Pick(1, 3, 6, 12),
            ThinkTimeMax = prng.Pick(5, 30, 150) * Millisecond,
            // Some of the largest are larger than the cluster takes.
            PayloadBytesMax = prng.Pick(8, 100, 1_000, segmentBytes / 4 + 64),
            DelayMin = delayMin,
            DelayMax = delayMax,
            LossPerMille = IfEnabled("lost messages", prng.Pick(0, 0, 10, 100, 300)),
            DuplicatesPerMille = IfEnabled("repeated messages", prng.Pick(0, 0, 20, 300)),
            StalePerMille = IfEnabled("messages long after", prng.Pick(0, 0, 2, 20)),
            ReordersMessages = IfEnabled("reordered messages", prng.Chance(400) ? 1 : 0) > 0,
            ProcessEndClosesConnections = prng.Chance(700),
            FlushMin = flushMin,
            FlushMax = flushMax,
            ApplyMax = prng.Pick(10, 10, 1_000, 20_000),
            DriftPerMille = IfEnabled("drifting clocks", prng.Pick(0, 0, 1, 50, 200)),
            FaultsOnLeaderPerMille = prng.Pick(0, 300, 800),
            ReadsPerMille = prng.Pick(150, 300, 300, 700),
            HasMultiKeyOperations = prng.Chance(300),
            RequestsToLeaderPerMille = prng.Pick(0, 0, 300, 700),
            FaultIntervals = DrawFaultIntervals(seed, faults),
        };
    }

    /// <summary>Each fault draws from a stream of its own name: a new one leaves the others where they were.</summary>
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
