using Quorate.Verification.Simulation;

namespace Quorate.Verification.Tests.FaultInjection;

/// <summary>
/// A virtual machine that resumes after a suspension finds its clock an hour ahead, and in its sockets the messages from just before and
/// after it.
/// </summary>
public sealed class SimulatedClockTests
{
    [Fact]
    public void A_clock_jump_causes_no_election()
    {
        var cluster = FaultFreeCluster.Create(members: 3);
        cluster.RunFaultPhase();
        var leader = Assert.Single(cluster.SelfReportedLeaders());
        var term = leader.Process!.Core.Term;

        foreach (var member in cluster.Members)
        {
            member.JumpClock(3600 * VirtualTime.Second);
            cluster.Time.Run(cluster.Time.Now + (2 * cluster.Swarm.ElectionTimeout));
        }

        Assert.All(cluster.Members, m => Assert.Equal((leader.Id, term), (m.Process!.Core.Leader, m.Process.Core.Term)));
    }

    [Fact]
    public void A_clock_jump_is_immediate_and_permanent()
    {
        var time = new VirtualTime();
        var clock = SimulatedClock.Draw(time, driftPerMille: 0, new Prng(1));
        var before = clock.GetTimestamp();

        clock.Jump(5 * VirtualTime.Second);
        time.Run(VirtualTime.Second);

        Assert.Equal(6, clock.GetElapsedTime(before).TotalSeconds);
    }

    /// <summary>These members would use the real clock, so a run would no longer depend on its seed only.</summary>
    [Fact]
    public void The_simulated_clock_offers_no_wall_time_and_no_timer()
    {
        var clock = FaultFreeCluster.Create(members: 1).Members[0].Clock;

        Assert.Throws<NotSupportedException>(() => clock.GetUtcNow());
        Assert.Throws<NotSupportedException>(() => clock.GetLocalNow());
        Assert.Throws<NotSupportedException>(() => clock.CreateTimer(static _ => { }, null, TimeSpan.Zero, TimeSpan.Zero));
    }
}
