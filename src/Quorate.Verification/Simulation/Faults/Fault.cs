namespace Quorate.Verification.Simulation.Faults;

/// <summary>Something that goes wrong again and again, at moments drawn from a stream of its own.</summary>
internal abstract class Fault(Cluster cluster, Prng prng, string name)
{
    private static readonly (string Name, Func<Cluster, Prng, string, Fault> Make)[] Kinds =
    [
        ("kill", static (c, d, n) => new ProcessKill(c, d, n)),
        ("power cut", static (c, d, n) => new PowerLoss(c, d, n)),
        ("partition", static (c, d, n) => new Partition(c, d, n)),
        ("clogged link", static (c, d, n) => new CloggedLink(c, d, n)),
        ("false alarm", static (c, d, n) => new SpuriousDisconnect(c, d, n)),
        ("flush failure", static (c, d, n) => new FlushFailure(c, d, n)),
        ("full disk", static (c, d, n) => new FullDisk(c, d, n)),
        ("stalled thread", static (c, d, n) => new StalledThread(c, d, n)),
        ("pause", static (c, d, n) => new Pause(c, d, n)),
        ("bit rot", static (c, d, n) => new BitRot(c, d, n)),
        ("latent read error", static (c, d, n) => new LatentReadError(c, d, n)),
        ("misdirected write", static (c, d, n) => new MisdirectedWrite(c, d, n)),
        ("garbled sectors", static (c, d, n) => new GarbageSectors(c, d, n)),
        ("deaf leader", static (c, d, n) => new LeaderReceiveStall(c, d, n)),
        ("clock jump", static (c, d, n) => new ClockJump(c, d, n)),
        ("lost folder", static (c, d, n) => new WipedDisk(c, d, n)),
    ];

    /// <summary>All there are.</summary>
    public static IEnumerable<string> Names => Kinds.Select(static k => k.Name);

    protected Cluster Cluster { get; } = cluster;

    /// <summary>The dice of the strike that is happening. Each has its own: one that is left out leaves the others as they were.</summary>
    protected Prng Prng { get; private set; } = prng;

    private readonly Prng _schedulePrng = prng;
    private readonly ulong _injectionSeed = prng.Next();
    private readonly string _counterName = "fault: " + name;

    protected string Name { get; } = name;

    /// <summary>Whether there is anything for it to do in this run.</summary>
    protected virtual bool IsApplicable => true;

    private long MeanInterval => Cluster.Swarm.FaultIntervals[Name];

    /// <summary>One of each.</summary>
    public static IEnumerable<Fault> CreateAll(Cluster cluster, ulong seed) => Kinds.Select(kind => kind.Make(cluster, Prng.Derive(seed, kind.Name), kind.Name));

    public void Start()
    {
        if (MeanInterval > 0 && IsApplicable)
            ScheduleNext();
    }

    /// <summary>Does it. False when it met nobody, or nothing that it could make worse.</summary>
    public abstract bool TryInject();

    /// <summary>Some member; in some runs more often than not the leader.</summary>
    protected SimulatedMachine PickMember()
    {
        var any = Cluster.Members[Prng.Next(0, Cluster.Members.Count)];
        return Prng.Chance(Cluster.Swarm.FaultsOnLeaderPerMille) && NewestLeader() is { } leader ? leader : any;
    }

    /// <summary>Some member, and another: whom the fault aims at is either end. Null for a member that is alone.</summary>
    protected (SimulatedMachine From, SimulatedMachine To)? PickPair()
    {
        var one = PickMember();
        var others = Cluster.Members.Count - 1;
        var other = Prng.Next(0, Math.Max(1, others));
        var isReversed = Prng.Chance(500);
        if (others == 0)
            return null;
        var two = Cluster.Members[other < Cluster.Members.IndexOf(one) ? other : other + 1];
        return isReversed ? (two, one) : (one, two);
    }

    /// <summary>Who leads; of several who believe so, the one of the newest term.</summary>
    protected SimulatedMachine? NewestLeader() => Cluster.SelfReportedLeaders().MaxBy(static m => m.Process!.Core.Term);

    private void ScheduleNext() => Cluster.Time.ScheduleAfter(_schedulePrng.Between(0, 2 * MeanInterval), () =>
    {
        if (Cluster.IsInLivenessPhase)
            return;
        if (Cluster.ReplayPlan.BeginInjection(Name) is (var injection, true))
        {
            Prng = Prng.Derive(_injectionSeed, injection);
            if (TryInject())
                Cluster.Counters.Increment(_counterName);
        }

        ScheduleNext();
    });
}
