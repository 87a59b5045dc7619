using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation.Faults;
using static Quorate.Verification.Simulation.VirtualTime;

namespace Quorate.Verification.Simulation;

/// <summary>What a seed draws before anything happens: the cluster, its options, and which faults exist at all (swarm testing).</summary>
/// <remarks>
/// A run with every fault on is busy with crashes and never sees what a long partition alone would show. So each fault is off in about half of
/// all runs. Times are microseconds; of a mean of 0 the fault does not exist.
/// </remarks>
internal sealed record Weather
{
    /// <summary>What may be wrong with links and clocks all the time, by the names under which it can be left out.</summary>
    public static IReadOnlyList<string> Hindrances { get; } = ["lost messages", "repeated messages", "messages long after", "reordered messages", "drifting clocks"];

    public int Members { get; private init; }

    public long Duration { get; private init; }

    public int HeartbeatMs { get; private init; }

    public int ElectionHeartbeats { get; private init; }

    /// <summary>Windows, caps and caches so small that every bound is met.</summary>
    public bool IsTight { get; private init; }

    public int SegmentBytes { get; private init; }

    public int Clients { get; private init; }

    public long ThinkTimeMax { get; private init; }

    /// <summary>Reads among what clients ask, of a thousand.</summary>
    public int Reads { get; private init; }

    /// <summary>Some transactions and reads are of several keys; then the keys have one history and not one each.</summary>
    public bool TouchesSeveralKeys { get; private init; }

    /// <summary>Of a thousand questions so many go to somebody who believes to lead.</summary>
    public int AsksLeaders { get; private init; }

    public int PayloadBytesMax { get; private init; }

    public long DelayMin { get; private init; }

    public long DelayMax { get; private init; }

    /// <summary>Messages lost, of a thousand.</summary>
    public int Loss { get; private init; }

    /// <summary>Messages that come twice, of a thousand.</summary>
    public int Duplicates { get; private init; }

    /// <summary>Messages that come once more, seconds later, of a thousand.</summary>
    public int Stale { get; private init; }

    /// <summary>Messages overtake each other.</summary>
    public bool Reorders { get; private init; }

    /// <summary>A process that ends is noticed by its peers.</summary>
    public bool ConnectionsClose { get; private init; }

    public long FlushMin { get; private init; }

    public long FlushMax { get; private init; }

    public long ApplyMax { get; private init; }

    /// <summary>How far a clock may be off, parts in a thousand.</summary>
    public int DriftPerMille { get; private init; }

    /// <summary>Faults that strike one member strike the leader, of a thousand: it is who has most to lose.</summary>
    public int AimsAtLeader { get; private init; }

    /// <summary>In the quiet phase a minority may stay broken.</summary>
    public bool StaysBroken { get; private init; } = true;

    /// <summary>The mean time between two strikes of a fault, by its name.</summary>
    public IReadOnlyDictionary<string, long> Faults { get; private init; } = new Dictionary<string, long>();

    public long ElectionTimeout => HeartbeatMs * Millisecond * ElectionHeartbeats;

    /// <summary>The same weather, spared some of its hardships.</summary>
    public Weather Without(Reduction reduction)
    {
        bool Calm(string what) => reduction.DisabledFaults.Contains(what);
        return this with
        {
            Members = reduction.Members ?? Members,
            Duration = Math.Min(reduction.FaultPhaseDuration ?? Duration, reduction.Until ?? long.MaxValue),
            Loss = Calm("loss") ? 0 : Loss,
            Duplicates = Calm("duplicates") ? 0 : Duplicates,
            Stale = Calm("stale") ? 0 : Stale,
            Reorders = Reorders && !Calm("reordering"),
            DriftPerMille = Calm("drift") ? 0 : DriftPerMille,
            DelayMax = Calm("slow-links") ? DelayMin : DelayMax,
            FlushMax = Calm("slow-disks") ? FlushMin : FlushMax,
            ApplyMax = Calm("slow-machines") ? 1 : ApplyMax,
            ConnectionsClose = ConnectionsClose && !Calm("closing"),
            IsTight = IsTight && !Calm("tight"),
            StaysBroken = StaysBroken && !Calm("broken"),
        };
    }

    public static Weather Draw(ulong seed, Verification.FaultSet faults)
    {
        var dice = Dice.For(seed, "weather");
        int IfAny(string hindrance, int drawn) => faults.Contains(hindrance) ? drawn : 0;
        var (delayMin, delayMax) = dice.Pick<(long, long)>((50, 300), (200, 3_000), (1_000, 20_000), (5_000, 150_000));
        var (flushMin, flushMax) = dice.Pick<(long, long)>((20, 100), (100, 2_000), (100, 2_000), (2_000, 60_000));
        var segmentBytes = dice.Pick(16, 16, 32, 64) * 1024;
        return new Weather
        {
            Members = dice.Pick(1, 2, 3, 3, 3, 4, 5, 5, 5, 6, 7),
            Duration = dice.Pick(8, 15, 15, 30) * Second,
            HeartbeatMs = dice.Pick(50, 100, 100),
            ElectionHeartbeats = dice.Pick(5, 10, 10),
            IsTight = dice.Chance(300),
            SegmentBytes = segmentBytes,
            Clients = dice.Pick(1, 3, 6, 12),
            ThinkTimeMax = dice.Pick(5, 30, 150) * Millisecond,
            // Some of the largest are larger than the cluster takes.
            PayloadBytesMax = dice.Pick(8, 100, 1_000, segmentBytes / 4 + 64),
            DelayMin = delayMin,
            DelayMax = delayMax,
            Loss = IfAny("lost messages", dice.Pick(0, 0, 10, 100, 300)),
            Duplicates = IfAny("repeated messages", dice.Pick(0, 0, 20, 300)),
            Stale = IfAny("messages long after", dice.Pick(0, 0, 2, 20)),
            Reorders = IfAny("reordered messages", dice.Chance(400) ? 1 : 0) > 0,
            ConnectionsClose = dice.Chance(700),
            FlushMin = flushMin,
            FlushMax = flushMax,
            ApplyMax = dice.Pick(10, 10, 1_000, 20_000),
            DriftPerMille = IfAny("drifting clocks", dice.Pick(0, 0, 1, 50, 200)),
            AimsAtLeader = dice.Pick(0, 300, 800),
            Reads = dice.Pick(150, 300, 300, 700),
            TouchesSeveralKeys = dice.Chance(300),
            AsksLeaders = dice.Pick(0, 0, 300, 700),
            Faults = Means(seed, faults),
        };
    }

    /// <summary>Each fault draws from a stream of its own name: a new one leaves the others where they were.</summary>
    private static Dictionary<string, long> Means(ulong seed, Verification.FaultSet faults)
    {
        var means = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var fault in Fault.Names)
        {
            var dice = Dice.For(seed, "mean of " + fault);
            means[fault] = faults.Contains(fault) ? dice.Pick(0, 0, 0, 500, 2_000, 8_000) * Millisecond : 0;
        }

        return means;
    }
}
