namespace Quorate.Verification.Simulation.Faults;

/// <summary>A kind of fault that is injected repeatedly, at times drawn from a random stream of its own.</summary>
/// <remarks>The names below are also the names of these streams, so a kind that is renamed draws other times in every run.</remarks>
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

    /// <summary>The names of all kinds of faults.</summary>
    public static IEnumerable<string> Names => Kinds.Select(static k => k.Name);

    protected Cluster Cluster { get; } = cluster;

    /// <summary>
    /// The random stream of the current injection. Each injection has its own, so that leaving one out does not change the others.
    /// </summary>
    protected Prng Prng { get; private set; } = prng;

    private readonly Prng _schedulePrng = prng;
    private readonly ulong _injectionSeed = prng.Next();
    private readonly string _counterName = "fault: " + name;

    protected string Name { get; } = name;

    /// <summary>Whether this fault can take effect in this run at all.</summary>
    protected virtual bool IsApplicable => true;

    private long MeanInterval => Cluster.Swarm.FaultIntervals[Name];

    /// <summary>Creates one fault of each kind.</summary>
    public static IEnumerable<Fault> CreateAll(Cluster cluster, ulong seed) =>
        Kinds.Select(kind => kind.Make(cluster, Prng.Derive(seed, kind.Name), kind.Name));

    public void Start()
    {
        if (MeanInterval > 0 && IsApplicable)
            ScheduleNext();
    }

    /// <summary>Injects the fault once. Returns false if it had no effect: it hit no member, or nothing that it could affect.</summary>
    public abstract bool TryInject();

    /// <summary>Picks a member at random, or with the probability of the run the leader.</summary>
    protected SimulatedMachine PickMember()
    {
        var any = Cluster.Members[Prng.Next(0, Cluster.Members.Count)];
        return Prng.Chance(Cluster.Swarm.FaultsOnLeaderPerMille) && NewestLeader() is { } leader ? leader : any;
    }

    /// <summary>
    /// Picks a member as <see cref="PickMember"/> does, and another one at random, in random order. Returns null if there is only one
    /// member.
    /// </summary>
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

    /// <summary>Returns the leader; of several self-reported leaders the one of the newest term.</summary>
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
