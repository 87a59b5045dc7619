using Quorate.Raft.Tests.Rules;

namespace Quorate.Raft.Tests.Properties;

/// <summary>
/// How long it takes, and how many terms, until the followers of a dead leader have elected another, over a thousand seeds. Somebody is
/// elected in the end even if a rule about timers is missing; only these figures show that it takes longer.
/// </summary>
/// <remarks>A change of these figures is a change of the protocol: explain it in the commit that changes a bound.</remarks>
public sealed class ElectionTimeTests(ITestOutputHelper output)
{
    private const int Seeds = 1_000;

    private const int ElectionTicks = 100;

    /// <param name="size">The members, the dead leader included.</param>
    /// <param name="delayMax">The longest delay of a message, in ticks; the shortest is a third of it.</param>
    /// <param name="meanTicksMax">A bound on the mean number of ticks until the election.</param>
    /// <param name="ticksMax">A bound on the number of ticks of each election.</param>
    /// <param name="meanTermsPerMilleMax">A bound on the mean number of terms, per mille.</param>
    [Theory]
    [InlineData(3, 0, 140, 290, 1_020)]
    [InlineData(3, 6, 160, 380, 1_110)]
    [InlineData(5, 6, 143, 295, 1_050)]
    [InlineData(5, 15, 176, 480, 1_150)]
    public void A_dead_leader_is_replaced_in_few_ticks_and_terms(
        int size, int delayMax, int meanTicksMax, int ticksMax, int meanTermsPerMilleMax)
    {
        var results = new List<(int Ticks, int Terms)>();
        for (var seed = 1UL; seed <= Seeds; seed++)
            results.Add(Elect(size, delayMax, seed));

        var (ticks, terms) = (results.Average(r => r.Ticks), 1_000 * results.Average(r => r.Terms));
        var most = results.Max(r => r.Ticks);
        output.WriteLine($"ticks {ticks:0.0}, at most {most}; terms {terms / 1_000:0.000}, at most {results.Max(r => r.Terms)}");
        Assert.True(ticks <= meanTicksMax, $"{ticks} ticks in the mean");
        Assert.True(most <= ticksMax, $"{most} ticks at most");
        Assert.True(terms <= meanTermsPerMilleMax, $"{terms / 1_000} terms in the mean");
    }

    private static (int Ticks, int Terms) Elect(int size, int delayMax, ulong seed)
    {
        var random = new SplitMix64(seed);
        var followers = Enumerable.Range(2, size - 1)
            .Select(id => Given.Follower((ulong)id, term: 1, log: [1], leader: 1, size: size, options: Options((ulong)id, seed)))
            .ToArray();
        var cluster = new DelayedCluster((_, _) => random.Next(delayMax / 3, delayMax + 1), followers)
        {
            IsLost = static message => message.To == Given.Node(1),
        };
        var ticks = cluster.TicksUntil(20 * ElectionTicks, () => followers.Any(f => f.Core!.Role == Role.Leader));
        return (ticks, (int)followers.Max(f => f.Core!.Term.Value) - 1);
    }

    private static RaftOptions Options(ulong id, ulong seed) =>
        new() { Self = Given.Node(id), Seed = (seed * 31) + id, ElectionTicks = ElectionTicks, HeartbeatTicks = ElectionTicks / 10 };
}
