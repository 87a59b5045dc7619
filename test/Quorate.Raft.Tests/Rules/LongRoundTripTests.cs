namespace Quorate.Raft.Tests.Rules;

/// <summary>
/// Each round trip settles at least one term of a diverged log, whatever the round trip is and whatever overtakes what: heartbeats, read
/// rounds and probes, and their replies.
/// </summary>
public sealed class LongRoundTripTests
{
    private const int HeartbeatTicks = 10;

    /// <summary>The term of the leader, later than all terms of the logs.</summary>
    private const ulong Term = 12;

    /// <summary>
    /// The rejection of a probe arrives after the next heartbeat was sent. The leader must not take it for the rejection of an earlier
    /// probe: every rejection would arrive after another heartbeat, and the follower would never catch up.
    /// </summary>
    [Theory]
    [InlineData(5, 5)]
    [InlineData(8, 8)]
    [InlineData(15, 15)]
    [InlineData(20, 20)]
    [InlineData(2, 12)] // heartbeats and probes overtake each other
    [InlineData(0, 20)]
    public void A_diverged_follower_is_caught_up_when_heartbeats_overtake_replies(int delayMin, int delayMax) =>
        CatchUp([1, 1, 1, 2, 2], [1, 1, 1, 1, 3], delayMin, delayMax, reads: false);

    /// <summary>
    /// The same with a read in each tick. Another member confirms each read at once, so a new round overtakes each probe and each reply.
    /// </summary>
    [Theory]
    [InlineData(0, 3)]
    [InlineData(1, 1)]
    [InlineData(8, 8)]
    [InlineData(15, 15)]
    [InlineData(20, 20)]
    [InlineData(0, 12)]
    [InlineData(10, 20)]
    public void A_diverged_follower_is_caught_up_when_read_rounds_overtake_replies(int delayMin, int delayMax) =>
        CatchUp([1, 1, 1, 2, 2], [1, 1, 1, 1, 3], delayMin, delayMax, reads: true);

    /// <summary>A thousand entries over five terms, at a round trip of 1.6 heartbeat intervals and of 3.</summary>
    [Theory]
    [InlineData(8, false)]
    [InlineData(8, true)]
    [InlineData(15, false)]
    [InlineData(15, true)]
    public void A_thousand_diverged_entries_over_five_terms_are_replaced_within_twice_as_many_round_trips(int delay, bool reads) =>
        CatchUp(Terms(1, 2, 4, 6, 8, 10), Terms(1, 3, 5, 7, 9, 11), delay, delay, reads);

    private static void CatchUp(ulong[] leaderLog, ulong[] followerLog, int delayMin, int delayMax, bool reads)
    {
        for (var seed = 1UL; seed <= (delayMin == delayMax ? 1UL : 20UL); seed++)
        {
            var random = new SplitMix64(seed);
            var leader = Given.Leader(id: 1, term: Term, log: leaderLog, options: Options(1));
            var follower = Given.Follower(id: 2, term: Term - 1, log: followerLog, options: Options(2));
            var other = Given.Follower(id: 3, term: Term, log: leaderLog, vote: 1, options: Options(3));
            var cluster = new DelayedCluster(
                (from, to) => from == other.Id || to == other.Id ? 0 : random.Next(delayMin, delayMax + 1), leader, follower, other);

            var terms = followerLog.Distinct().Count();
            var ticket = 0UL;
            cluster.TicksUntil(
                2 * (terms + 2) * Math.Max(1, 2 * delayMax),
                () => leader.Core!.Followers.First().Match == leader.Core.LastIndex,
                () =>
                {
                    if (reads)
                        leader.Read(++ticket);
                });

            Assert.Equal(leader.Disk.Entries.Select(e => e.Id), follower.Disk.Entries.Select(e => e.Id));
            Assert.Equal(new Term(Term), leader.Core!.Term);
            Assert.True(!reads || ticket > 0);
        }
    }

    private static RaftOptions Options(ulong id) =>
        Given.Options(id) with { HeartbeatTicks = HeartbeatTicks, ElectionTicks = 10 * HeartbeatTicks };

    /// <summary>A log of ten entries of the first term, and two hundred of each other term.</summary>
    private static ulong[] Terms(ulong first, params ulong[] others) =>
        [.. Enumerable.Repeat(first, 10), .. others.SelectMany(static term => Enumerable.Repeat(term, 200))];
}
