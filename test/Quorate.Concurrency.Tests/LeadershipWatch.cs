using Quorate.Node.Groups;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="LeadershipBoard"/>: whoever looks and then waits for a change misses none.</summary>
public sealed class LeadershipWatch
{
    [Fact]
    public void Every_watcher_comes_to_know_the_last_leader() => Schedules.Explore(300, async () =>
    {
        var board = new LeadershipBoard();
        var watchers = new[] { WatchAsync(), WatchAsync() };

        board.Write(Role.Follower, new Term(1), NodeId.None);
        board.Write(Role.Candidate, new Term(2), NodeId.None);
        board.Write(Role.Candidate, new Term(2), NodeId.None);
        board.Write(Role.Leader, new Term(2), Given.Self);

        await Task.WhenAll(watchers);

        Task WatchAsync() => Task.Run(async () =>
        {
            var seen = default(Term);
            while (true)
            {
                var now = board.Read(out var changed);
                Assert.True(now.Term >= seen);
                seen = now.Term;
                if (now.Leader == Given.Self)
                    return;
                await changed;
            }
        });
    });
}
