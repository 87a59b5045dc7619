using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Faults;

namespace Quorate.Verification.Tests.Strikes;

/// <summary>A count of strikes says how often something went wrong, not how often it was tried.</summary>
public sealed class WhatCountsAsAStrike
{
    private static readonly string[] BetweenTwo = ["fault: clogged link", "fault: false alarm", "fault: partition", "fault: deaf leader"];

    [Fact]
    public void What_takes_two_never_strikes_one_who_is_alone()
    {
        for (ulong seed = 1; seed <= 8; seed++)
        {
            var alone = KvSimulation.Run(seed, new RunOptions { Reduction = new Reduction { Members = 1 } });
            Assert.Empty(alone.Counts.Keys.Intersect(BetweenTwo));
        }
    }

    [Fact]
    public void Nobody_is_paused_stalled_or_deaf_who_is_not_there()
    {
        var cluster = GivenCluster.Of(members: 3);

        foreach (var fault in new Fault[] { new Pause(cluster, new Prng(1), "pause"), new StalledThread(cluster, new Prng(1), "stalled thread"), new LeaderReceiveStall(cluster, new Prng(1), "deaf leader") })
            Assert.False(fault.TryInject());
        cluster.RunFaultPhase();
        Assert.True(new Pause(cluster, new Prng(1), "pause").TryInject());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void The_two_ends_of_a_link_are_two_members_and_each_link_is_met(int members)
    {
        var fault = new TwoEnds(GivenCluster.Of(members));

        for (var i = 0; i < 100 * members * members; i++)
            Assert.True(fault.TryInject());

        Assert.All(fault.Drawn, static pair => Assert.NotEqual(pair.From, pair.To));
        Assert.Equal(members * (members - 1), fault.Drawn.Count);
    }

    /// <summary>Else no process would ever end while it recovers: a process begins with all that its predecessor was spared.</summary>
    [Fact]
    public void A_cut_that_no_process_has_met_is_met_by_the_next_while_it_recovers()
    {
        var cluster = GivenCluster.Of(members: 3);
        cluster.RunFaultPhase();
        var member = cluster.Members[0];
        member.Kill("by a test");

        Assert.True(member.Disk.CutAfter(0));
        Assert.False(member.Disk.CutAfter(5), "one is to come already");
        member.Start();

        Assert.Null(member.Process);
        Assert.Equal(1, cluster.Counters.Counts["end in the middle of a disk call"]);
        member.Start();
        Assert.NotNull(member.Process);
    }

    private sealed class TwoEnds(Cluster cluster) : Fault(cluster, new Prng(1), "two ends")
    {
        public HashSet<(SimulatedMachine From, SimulatedMachine To)> Drawn { get; } = [];

        public override bool TryInject()
        {
            if (PickPair() is not var (from, to))
                return false;
            Drawn.Add((from, to));
            return true;
        }
    }
}
