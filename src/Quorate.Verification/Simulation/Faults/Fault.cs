namespace Quorate.Verification.Simulation.Faults;

/// <summary>Something that goes wrong again and again, at moments drawn from a stream of its own.</summary>
internal abstract class Fault(Cluster cluster, Dice dice, string name)
{
    private static readonly (string Name, Func<Cluster, Dice, string, Fault> Make)[] Kinds =
    [
        ("kill", static (c, d, n) => new ProcessKill(c, d, n)),
        ("power cut", static (c, d, n) => new PowerLoss(c, d, n)),
        ("partition", static (c, d, n) => new Partition(c, d, n)),
        ("clogged link", static (c, d, n) => new CloggedLink(c, d, n)),
        ("false alarm", static (c, d, n) => new FalseAlarm(c, d, n)),
        ("flush failure", static (c, d, n) => new FlushFailure(c, d, n)),
        ("full disk", static (c, d, n) => new FullDisk(c, d, n)),
        ("stalled thread", static (c, d, n) => new StalledThread(c, d, n)),
        ("pause", static (c, d, n) => new Pause(c, d, n)),
        ("bit rot", static (c, d, n) => new BitRot(c, d, n)),
        ("latent read error", static (c, d, n) => new LatentReadError(c, d, n)),
        ("misdirected write", static (c, d, n) => new MisdirectedWrite(c, d, n)),
        ("garbled sectors", static (c, d, n) => new GarbledSectors(c, d, n)),
        ("deaf leader", static (c, d, n) => new DeafLeader(c, d, n)),
        ("clock jump", static (c, d, n) => new ClockJump(c, d, n)),
        ("lost folder", static (c, d, n) => new LostFolder(c, d, n)),
    ];

    /// <summary>All there are.</summary>
    public static IEnumerable<string> Names => Kinds.Select(static k => k.Name);

    protected Cluster Cluster { get; } = cluster;

    /// <summary>The dice of the strike that is happening. Each has its own: one that is left out leaves the others as they were.</summary>
    protected Dice Dice { get; private set; } = dice;

    private readonly Dice _moments = dice;
    private readonly ulong _strikes = dice.Next();
    private readonly string _counted = "fault: " + name;

    protected string Name { get; } = name;

    /// <summary>Whether there is anything for it to do in this run.</summary>
    protected virtual bool Exists => true;

    private long Mean => Cluster.Weather.Faults[Name];

    /// <summary>One of each.</summary>
    public static IEnumerable<Fault> All(Cluster cluster, ulong seed) => Kinds.Select(kind => kind.Make(cluster, Dice.For(seed, kind.Name), kind.Name));

    public void Begin()
    {
        if (Mean > 0 && Exists)
            Next();
    }

    /// <summary>Does it. False when it met nobody, or nothing that it could make worse.</summary>
    public abstract bool Strike();

    /// <summary>Some member; in some runs more often than not the leader.</summary>
    protected Member Any()
    {
        var any = Cluster.Members[Dice.Next(0, Cluster.Members.Count)];
        return Dice.Chance(Cluster.Weather.AimsAtLeader) && Leader() is { } leader ? leader : any;
    }

    /// <summary>Some member, and another: whom the fault aims at is either end. Null for a member that is alone.</summary>
    protected (Member From, Member To)? AnyTwo()
    {
        var one = Any();
        var others = Cluster.Members.Count - 1;
        var other = Dice.Next(0, Math.Max(1, others));
        var turned = Dice.Chance(500);
        if (others == 0)
            return null;
        var two = Cluster.Members[other < Cluster.Members.IndexOf(one) ? other : other + 1];
        return turned ? (two, one) : (one, two);
    }

    /// <summary>Who leads; of several who believe so, the one of the newest term.</summary>
    protected Member? Leader() => Cluster.BelievedLeaders().MaxBy(static m => m.Process!.Core.Term);

    private void Next() => Cluster.Time.After(_moments.Between(0, 2 * Mean), () =>
    {
        if (Cluster.IsQuiet)
            return;
        if (Cluster.Decisions.Strike(Name) is (var strike, true))
        {
            Dice = Dice.For(_strikes, strike);
            if (Strike())
                Cluster.Tally.Add(_counted);
        }

        Next();
    });
}
