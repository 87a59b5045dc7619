using Quorate.Verification.Simulation;

namespace Quorate.Verification.Tests.Strikes;

/// <summary>A virtual machine that goes on after it was suspended finds its clock an hour ahead, and in its sockets what was said to it just before and just after.</summary>
public sealed class WhatAClockDoes
{
    [Fact]
    public void An_hour_that_only_a_clock_has_seen_deposes_no_leader_and_makes_no_candidate()
    {
        var cluster = GivenCluster.Of(members: 3);
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
    public void A_leap_is_seen_at_once_and_never_undone()
    {
        var time = new VirtualTime();
        var clock = SimulatedClock.Draw(time, driftPerMille: 0, new Prng(1));
        var before = clock.GetTimestamp();

        clock.Jump(5 * VirtualTime.Second);
        time.Run(VirtualTime.Second);

        Assert.Equal(6, clock.GetElapsedTime(before).TotalSeconds);
    }

    /// <summary>The real clock would answer, and no seed would decide what.</summary>
    [Fact]
    public void Nobody_is_told_the_time_of_day_or_given_a_timer()
    {
        var clock = GivenCluster.Of(members: 1).Members[0].Clock;

        Assert.Throws<NotSupportedException>(() => clock.GetUtcNow());
        Assert.Throws<NotSupportedException>(() => clock.GetLocalNow());
        Assert.Throws<NotSupportedException>(() => clock.CreateTimer(static _ => { }, null, TimeSpan.Zero, TimeSpan.Zero));
    }
}
