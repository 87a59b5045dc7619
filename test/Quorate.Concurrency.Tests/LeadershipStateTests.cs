using Quorate.Node.Driver;
using Quorate.Raft;

namespace Quorate.Concurrency.Tests;

/// <summary><see cref="LeadershipState"/>: a watcher that reads the state and then waits for a change misses none.</summary>
public sealed class LeadershipStateTests
{
    [Fact]
    public void Every_watcher_observes_the_last_leader() => CoyoteTestRunner.Explore(300, async () =>
    {
        var leadership = new LeadershipState();
        var watchers = new[] { WatchAsync(), WatchAsync() };

        leadership.Write(Role.Follower, new Term(1), NodeId.None);
        leadership.Write(Role.Candidate, new Term(2), NodeId.None);
        leadership.Write(Role.Candidate, new Term(2), NodeId.None);
        leadership.Write(Role.Leader, new Term(2), Given.Self);

        await Task.WhenAll(watchers);

        Task WatchAsync() => Task.Run(async () =>
        {
            var seen = default(Term);
            while (true)
            {
                var now = leadership.Read(out var changed);
                Assert.True(now.Term >= seen);
                seen = now.Term;
                if (now.Leader == Given.Self)
                    return;
                await changed;
            }
        });
    });
}
