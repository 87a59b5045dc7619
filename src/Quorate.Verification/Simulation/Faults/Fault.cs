namespace Quorate.Verification.Simulation.Faults;

/// <summary>A kind of fault, or of a request of an operator, injected repeatedly at times drawn from a separate PRNG stream.</summary>
/// <remarks>
/// The name selects the PRNG stream (<see cref="Prng.Derive"/>): renaming a kind changes its injections under every seed. So the names keep
/// their wording, even where a class has since been renamed.
/// </remarks>
internal abstract class Fault(SimulatedCluster cluster, Prng prng, string name)
{
    private static readonly (string Name, Func<SimulatedCluster, Prng, string, Fault> Make)[] Kinds =
    [
        ("kill", static (cluster, prng, name) => new ProcessKill(cluster, prng, name)),
        ("power cut", static (cluster, prng, name) => new PowerLoss(cluster, prng, name)),
        ("partition", static (cluster, prng, name) => new NetworkPartition(cluster, prng, name)),
        ("clogged link", static (cluster, prng, name) => new CloggedLink(cluster, prng, name)),
        ("false alarm", static (cluster, prng, name) => new SpuriousDisconnect(cluster, prng, name)),
        ("flush failure", static (cluster, prng, name) => new FlushFailure(cluster, prng, name)),
        ("full disk", static (cluster, prng, name) => new FullDisk(cluster, prng, name)),
        ("stalled thread", static (cluster, prng, name) => new StalledThread(cluster, prng, name)),
        ("slow disk", static (cluster, prng, name) => new SlowDisk(cluster, prng, name)),
        ("pause", static (cluster, prng, name) => new ProcessPause(cluster, prng, name)),
        ("bit rot", static (cluster, prng, name) => new BitRot(cluster, prng, name)),
        ("latent read error", static (cluster, prng, name) => new LatentReadError(cluster, prng, name)),
        ("misdirected write", static (cluster, prng, name) => new MisdirectedWrite(cluster, prng, name)),
        ("garbled sectors", static (cluster, prng, name) => new GarbageSectors(cluster, prng, name)),
        ("deaf leader", static (cluster, prng, name) => new LeaderReceiveStall(cluster, prng, name)),
        ("clock jump", static (cluster, prng, name) => new ClockJump(cluster, prng, name)),
        ("lost folder", static (cluster, prng, name) => new WipedDisk(cluster, prng, name)),
        ("lost file", static (cluster, prng, name) => new LostFile(cluster, prng, name)),
        ("foreign file", static (cluster, prng, name) => new ForeignFile(cluster, prng, name)),
        ("altered state", static (cluster, prng, name) => new AlteredState(cluster, prng, name)),
    ];

    /// <summary>The kinds that only runs with member changes have.</summary>
    private static readonly (string Name, Func<SimulatedCluster, Prng, string, Fault> Make)[] MemberChangeKinds =
    [
        ("member change", static (cluster, prng, name) => new MemberChangeRequest(cluster, prng, name)),
        ("leadership transfer", static (cluster, prng, name) => new TransferRequest(cluster, prng, name)),
    ];

    /// <summary>The names of all kinds of faults.</summary>
    public static IEnumerable<string> Names => Kinds.Select(static k => k.Name);

    protected SimulatedCluster Cluster { get; } = cluster;

    /// <summary>
    /// The PRNG stream of the current injection. Each injection draws from a separate stream, so that omitting one leaves the others
    /// unchanged.
    /// </summary>
    protected Prng Prng { get; private set; } = prng;

    private readonly Prng _schedulePrng = prng;
    private readonly ulong _injectionSeed = prng.Next();
    private readonly string _counterName = "fault: " + name;

    protected string Name { get; } = name;

    /// <summary>Whether the fault can take effect in this run; when false, it is never scheduled.</summary>
    protected virtual bool IsApplicable => true;

    /// <summary>The mean interval between two injections in this run, microseconds; 0: the fault is disabled.</summary>
    protected virtual long MeanInterval => Cluster.Swarm.FaultIntervals[Name];

    /// <summary>Creates one fault of each kind.</summary>
    public static IEnumerable<Fault> CreateAll(SimulatedCluster cluster, ulong seed) =>
        Kinds.Concat(cluster.Swarm.ChangesMembers ? MemberChangeKinds : [])
            .Select(kind => kind.Make(cluster, Prng.Derive(seed, kind.Name), kind.Name));

    public void Start()
    {
        if (MeanInterval > 0 && IsApplicable)
            ScheduleNext();
    }

    /// <summary>
    /// Tries to inject the fault once; returns false if it had no effect, for example because the picked member was not running.
    /// </summary>
    public abstract bool TryInject();

    /// <summary>
    /// Picks the leader with probability <see cref="SwarmOptions.FaultsOnLeaderPerMille"/>, otherwise, or when there is no leader, a random
    /// member.
    /// </summary>
    protected SimulatedMachine PickMember()
    {
        var any = Cluster.Members[Prng.Next(0, Cluster.Members.Count)];
        return Prng.Chance(Cluster.Swarm.FaultsOnLeaderPerMille) && NewestLeader() is { } leader ? leader : any;
    }

    /// <summary>
    /// Picks two different members in random order: one by <see cref="PickMember"/>, the other uniformly. Returns null in a cluster of one.
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

    /// <summary>Returns the member with the highest term among those that report the leader role, or null.</summary>
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
