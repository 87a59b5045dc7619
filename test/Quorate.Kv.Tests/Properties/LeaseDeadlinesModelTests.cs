using CsCheck;
using Quorate.Raft;

namespace Quorate.Kv.Tests.Properties;

/// <summary>No lease ends early, whatever members miss and whichever advances are committed; none ends late while a quorum is up.</summary>
public sealed class LeaseDeadlinesModelTests
{
    private const int LeaseCount = 6;

    /// <summary>
    /// Any order of commits, applications, snapshots, restarts, changes of leader, and advances that are old or proposed by all.
    /// </summary>
    [Fact]
    public void No_member_ever_has_a_deadline_before_the_time_to_live_has_passed_since_the_commit_of_the_renewal() =>
        Gen.Int.Sample(
            seed =>
            {
                var random = new Random(seed);
                var cluster = new LeaseClusterModel(3, random);
                for (var step = 0; step < 300; step++)
                {
                    cluster.Now += random.Next(4) == 0 ? random.Next(5_000) : random.Next(300);
                    DoAnything(cluster, random);
                    cluster.AssertNothingIsEarly();
                }
            },
            iter: TestEffort.Of(2_000));

    /// <summary>
    /// The leader is killed every few seconds and restarted at once or later; the next one may be the one that was just restarted.
    /// </summary>
    [Fact]
    public void No_lease_outlives_its_time_by_more_than_an_election_and_two_seconds_when_leaders_are_killed() =>
        Gen.Int.Sample(
            static seed =>
            {
                var random = new Random(seed);
                var cluster = new LeaseClusterModel(3, random);
                for (var id = 1; id <= LeaseCount; id++)
                    cluster.Commit(new LeaseGrantRequest(id, random.Next(2, 90)));
                var schedule = new LeaseClusterSchedule(cluster, random);
                while (cluster.Now < 100_000 && cluster.Leases.Count > 0)
                {
                    schedule.RunStep();
                    foreach (var lease in cluster.Leases)
                    {
                        var latest = cluster.EndOf(lease) + LeaseClusterSchedule.ElectionMsMax + 2_000;
                        Assert.True(cluster.Now <= latest, $"{cluster.Now}: {lease}");
                    }
                }

                Assert.Empty(cluster.Leases);
            },
            iter: TestEffort.Of(1_000));

    private static void DoAnything(LeaseClusterModel cluster, Random random)
    {
        var member = cluster.Members[random.Next(cluster.Members.Count)];
        switch (random.Next(15))
        {
            case < 2:
                cluster.Commit(new LeaseGrantRequest(random.Next(1, LeaseCount), random.Next(1, 30)));
                break;
            case < 4:
                cluster.Commit(new LeaseRenewManyRequest([random.Next(1, LeaseCount), random.Next(1, LeaseCount)]));
                break;
            case < 7 when member.IsUp:
                member.Apply(random.Next(1, 8));
                break;
            case < 9 when member.IsUp:
                // Any member may take itself for the leader, of this term or the one before.
                var term = new Term(cluster.Term.Value - (ulong)random.Next(2));
                var since = random.Next(2) == 0 ? member.Now - TimeSpan.FromSeconds(random.Next(3)) : (TimeSpan?)null;
                member.Deadlines.Refresh();
                if (member.Deadlines.Measure(member.Now, term, since) is { } measured)
                    cluster.Propose(member, measured);
                break;
            case < 12 when cluster.ProposedCount > 0:
                cluster.CommitAdvance(random.Next(cluster.ProposedCount));
                break;
            case 12 when cluster.ProposedCount > 0:
                cluster.DropAdvance(random.Next(cluster.ProposedCount));
                break;
            case 14 when member.IsUp:
                member.RestoreAhead(random.Next(10));
                break;
            case 13 when random.Next(3) == 0 && member.IsUp:
                cluster.BecomeLeader(member);
                break;
            case 13 when member.IsUp && member != cluster.Leader:
                member.Stop();
                break;
            case 13 when !member.IsUp:
                member.Start(random.Next(member.LogCount + 1), random.Next(member.LogCount + 1) * random.Next(2));
                break;
        }
    }
}
