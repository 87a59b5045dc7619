using CsCheck;

namespace Quorate.Raft.Tests.Properties;

/// <summary>
/// Paper Fig. 7, for any two logs: whatever a follower's log holds, the leader makes it equal to its own, in one round trip for each term
/// in which they differ.
/// </summary>
public sealed class LogRepairTests
{
    /// <summary>
    /// Two logs with a common prefix, followed by entries of terms that occur in only one of them, because no leader had both.
    /// </summary>
    private static readonly Gen<(ulong[] Leader, ulong[] Follower)> Logs =
        Gen.Select(Runs(Gen.Const(0)), Runs(Gen.Const(0)), Runs(Gen.Const(1)), (shared, one, other) =>
        {
            var common = Terms(shared, from: 1, step: 1);
            var from = common.Length == 0 ? 2UL : common[^1] + 2;
            return (
                (ulong[])[.. common, .. Terms(one, from - from % 2, step: 2)],
                (ulong[])[.. common, .. Terms(other, from - from % 2 + 1, step: 2)]);
        });

    [Fact]
    public void A_follower_log_converges_within_one_round_trip_per_term() => Logs.Sample(logs =>
    {
        var term = Math.Max(logs.Leader.LastOrDefault(), logs.Follower.LastOrDefault()) + 1;
        var leader = Given.Leader(id: 1, term: term, log: logs.Leader);
        var follower = Given.Follower(id: 2, term: term - 1, log: logs.Follower);
        var bound = logs.Leader.Distinct().Count() + logs.Follower.Distinct().Count() + 2;
        leader.Flush();
        for (var roundTrips = 0; leader.Core!.Followers.First().Match < leader.Core.LastIndex; roundTrips++)
        {
            Assert.True(roundTrips < bound, $"more than {bound} round trips");
            leader.EndIteration();
            foreach (var message in leader.Take<AppendEntries>().Where(m => m.To == Given.Node(2)))
                follower.Receive(message);
            follower.Flush();
            foreach (var reply in follower.Take<AppendEntriesReply>())
                leader.Receive(reply);
            RaftInvariants.CheckCluster([leader.Core, follower.Core!]);
        }

        Assert.Equal(leader.Disk.Entries.Select(e => e.Id), follower.Disk.Entries.Select(e => e.Id));
    });

    private static Gen<int[]> Runs(Gen<int> least) => least.SelectMany(l => Gen.Int[l, 6].Array[0, 6]);

    private static ulong[] Terms(int[] runs, ulong from, ulong step) =>
        [.. runs.SelectMany((length, i) => Enumerable.Repeat(from + (ulong)i * step, length))];
}
