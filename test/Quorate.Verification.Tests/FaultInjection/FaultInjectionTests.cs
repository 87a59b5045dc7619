using Quorate.Verification.Shrinking;
using Quorate.Verification.Simulation;
using Quorate.Verification.Simulation.Faults;

namespace Quorate.Verification.Tests.FaultInjection;

/// <summary>A fault counts as injected only if it took effect, not when it was merely attempted.</summary>
public sealed class FaultInjectionTests
{
    private static readonly string[] FaultsBetweenTwoMembers =
        ["fault: clogged link", "fault: false alarm", "fault: partition", "fault: deaf leader"];

    [Fact]
    public void Faults_between_two_members_never_hit_a_lone_member()
    {
        for (ulong seed = 1; seed <= 8; seed++)
        {
            var alone = KvSimulation.Run(seed, new RunOptions { Reduction = new RunReduction { Members = 1 } });
            Assert.Empty(alone.Counts.Keys.Intersect(FaultsBetweenTwoMembers));
        }
    }

    [Fact]
    public void Process_faults_are_not_injected_without_a_process()
    {
        var cluster = FaultFreeCluster.Create(members: 3);

        foreach (var fault in new Fault[]
        {
            new ProcessPause(cluster, new Prng(1), "pause"), new StalledThread(cluster, new Prng(1), "stalled thread"),
            new LeaderReceiveStall(cluster, new Prng(1), "deaf leader")
        })
            Assert.False(fault.TryInject());
        cluster.RunFaultPhase();
        Assert.True(new ProcessPause(cluster, new Prng(1), "pause").TryInject());
    }

    [Theory]
    [InlineData(2)]
    [InlineData(5)]
    public void Link_faults_hit_every_pair_of_distinct_members(int members)
    {
        var fault = new PairRecordingFault(FaultFreeCluster.Create(members));

        for (var i = 0; i < 100 * members * members; i++)
            Assert.True(fault.TryInject());

        Assert.All(fault.PickedPairs, static pair => Assert.NotEqual(pair.From, pair.To));
        Assert.Equal(members * (members - 1), fault.PickedPairs.Count);
    }

    /// <summary>
    /// A process inherits a pending disk fault from its predecessor; otherwise no process would ever end during its recovery.
    /// </summary>
    [Fact]
    public void A_pending_power_loss_of_a_disk_takes_effect_during_recovery()
    {
        var cluster = FaultFreeCluster.Create(members: 3);
        cluster.RunFaultPhase();
        var member = cluster.Members[0];
        member.Kill("by a test");

        Assert.True(member.Disk.CutAfter(0));
        Assert.False(member.Disk.CutAfter(5), "a cut is already pending");
        member.Start();

        Assert.Null(member.Process);
        Assert.Equal(1, cluster.Counters.Counts["process ended during a disk call"]);
        member.Start();
        Assert.NotNull(member.Process);
    }

    private sealed class PairRecordingFault(SimulatedCluster cluster) : Fault(cluster, new Prng(1), "pair")
    {
        public HashSet<(SimulatedMachine From, SimulatedMachine To)> PickedPairs { get; } = [];

        public override bool TryInject()
        {
            if (PickPair() is not var (from, to))
                return false;
            PickedPairs.Add((from, to));
            return true;
        }
    }
}
