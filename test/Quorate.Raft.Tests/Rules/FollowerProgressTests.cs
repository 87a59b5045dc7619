namespace Quorate.Raft.Tests.Rules;

/// <summary>What a leader concludes from the messages of one follower, and what it does not conclude from late ones.</summary>
public sealed class FollowerProgressTests
{
    private const ulong Term = 4;

    /// <summary>A leader whose follower 2 has not replied yet: it probes at the last entry before the no-op, index 5.</summary>
    private static TestNode LeaderThatProbes(RaftOptions? options = null)
    {
        var leader = Given.Leader(id: 1, term: Term, log: [1, 1, 1, 2, 2], options: options);
        leader.Flush();
        leader.EndIteration();
        leader.Receive(Given.Accepted(from: 3, to: 1, term: Term, index: 6));
        leader.Apply();
        leader.EndIteration();
        leader.Outbox.Clear();
        return leader;
    }

    private static (ReplicationState State, ulong Match, ulong Next) ProgressOf2(TestNode leader)
    {
        var (_, state, match, next) = leader.Core!.Followers.First();
        return (state, match.Value, next.Value);
    }

    private static List<AppendEntries> SentTo2(TestNode leader) => [.. leader.Take<AppendEntries>().Where(m => m.To == Given.Node(2))];

    /// <summary>Heartbeats and rounds that follow a probe name the same previous entry, so any of their replies settles it.</summary>
    [Fact]
    public void Each_message_to_a_probed_follower_names_the_entry_under_test()
    {
        var leader = LeaderThatProbes();
        leader.Tick(2 * Given.ElectionTicks / 10);
        leader.EndIteration();
        leader.Read(ticket: 1);
        leader.EndIteration();
        leader.Propose(1);
        leader.EndIteration();

        var sent = SentTo2(leader);
        Assert.True(sent.Count >= 2);
        Assert.All(sent, m => Assert.Equal(Given.Id((2, 5)), m.Previous));
    }

    /// <summary>The rejection of a heartbeat moves the search as the rejection of a probe does.</summary>
    [Fact]
    public void A_rejected_heartbeat_moves_the_search_while_a_probe_is_in_flight()
    {
        var leader = LeaderThatProbes();
        leader.Tick(Given.ElectionTicks / 10);
        leader.EndIteration();
        Assert.True(Assert.Single(SentTo2(leader)).Entries.IsEmpty);
        leader.Receive(Given.Rejected(from: 2, to: 1, term: Term, index: 5, hint: (1, 4)));
        leader.EndIteration();

        Assert.Equal((ReplicationState.Probe, 0UL, 4UL), ProgressOf2(leader));
        Assert.Equal([4UL, 5, 6], Assert.Single(SentTo2(leader)).Entries.ToArray().Select(e => e.Index.Value));
    }

    /// <summary>Each entry of the log may have been rejected before; only the rejection of the entry under test moves the search.</summary>
    [Fact]
    public void A_late_rejection_does_not_move_the_search()
    {
        var leader = LeaderThatProbes();
        leader.Receive(Given.Rejected(from: 2, to: 1, term: Term, index: 5, hint: (1, 4)));
        leader.EndIteration();
        leader.Outbox.Clear();

        leader.Receive(Given.Rejected(from: 2, to: 1, term: Term, index: 5, hint: (1, 1)));
        leader.Receive(Given.Rejected(from: 2, to: 1, term: Term, index: 2, hint: (1, 1)));
        leader.EndIteration();

        Assert.Equal((ReplicationState.Probe, 0UL, 4UL), ProgressOf2(leader));
        Assert.Empty(SentTo2(leader));
    }

    /// <summary>
    /// The search has ended at index 3, and nothing after index 6 was sent since. A rejection of a later entry is left over from the
    /// search.
    /// </summary>
    [Fact]
    public void A_rejection_left_over_from_a_search_does_not_stop_pipelining()
    {
        var leader = LeaderThatProbes();
        leader.Receive(Given.Rejected(from: 2, to: 1, term: Term, index: 5, hint: (1, 4)));
        leader.EndIteration();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: Term, index: 3));
        Assert.Equal((ReplicationState.Replicate, 3UL, 4UL), ProgressOf2(leader));

        leader.Receive(Given.Rejected(from: 2, to: 1, term: Term, index: 5, hint: (1, 4)));

        Assert.Equal((ReplicationState.Replicate, 3UL, 4UL), ProgressOf2(leader));
    }

    /// <summary>An acknowledgement below the entry under test is older than the test, or that entry is not on the disk yet.</summary>
    [Fact]
    public void An_acknowledgement_below_the_entry_under_test_does_not_end_the_search()
    {
        var leader = LeaderThatProbes();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: Term, index: 2));
        leader.EndIteration();
        Assert.Equal((ReplicationState.Probe, 2UL, 6UL), ProgressOf2(leader));

        leader.Receive(Given.Accepted(from: 2, to: 1, term: Term, index: 5));
        leader.EndIteration();
        Assert.Equal((ReplicationState.Replicate, 5UL, 7UL), ProgressOf2(leader));
        Assert.Equal(6UL, Assert.Single(SentTo2(leader)).LastIndex.Value);
    }

    /// <summary>
    /// The entries of a probe are not sent again at each heartbeat: a link with a long round trip would carry them several times.
    /// </summary>
    [Fact]
    public void The_entries_of_a_probe_are_sent_once()
    {
        var leader = LeaderThatProbes();
        for (var heartbeat = 0; heartbeat < 5; heartbeat++)
        {
            leader.Tick(Given.ElectionTicks / 10);
            leader.EndIteration();
            leader.Receive(Given.Accepted(from: 3, to: 1, term: Term, index: 6));
        }

        Assert.All(SentTo2(leader), m => Assert.True(m.Entries.IsEmpty));
    }

    /// <summary>A round is sent at once; otherwise the reads that wait for it would wait for the next heartbeat.</summary>
    [Fact]
    public void A_read_round_is_sent_at_once_although_a_probe_is_in_flight()
    {
        var leader = LeaderThatProbes();
        leader.Read(ticket: 1);
        leader.EndIteration();

        Assert.Equal(1UL, Assert.Single(SentTo2(leader)).Round);
    }

    /// <summary>A closed connection has lost what was in flight: it is sent again at once, and not when a heartbeat is rejected.</summary>
    [Fact]
    public void What_a_closed_connection_has_lost_is_sent_again_at_once()
    {
        var leader = Given.Leader(id: 1, term: Term, settled: true);
        leader.Propose(1);
        leader.EndIteration();
        leader.Propose(2);
        leader.EndIteration();
        leader.Outbox.Clear();

        leader.Step(Input.PeerLost(Given.Node(2)));
        Assert.Equal(ReplicationState.Probe, ProgressOf2(leader).State);
        leader.EndIteration();

        Assert.Equal([2UL, 3], Assert.Single(SentTo2(leader)).Entries.ToArray().Select(e => e.Index.Value));
    }

    /// <summary>
    /// The connection closes before the follower has acknowledged anything. The search goes on where it was; from index 1 it would end at
    /// once, and the follower would receive the whole log again.
    /// </summary>
    [Fact]
    public void A_closed_connection_does_not_restart_a_search()
    {
        var leader = LeaderThatProbes();
        leader.Receive(Given.Rejected(from: 2, to: 1, term: Term, index: 5, hint: (1, 4)));
        leader.EndIteration();
        leader.Outbox.Clear();

        leader.Step(Input.PeerLost(Given.Node(2)));
        leader.EndIteration();

        Assert.Equal((ReplicationState.Probe, 0UL, 4UL), ProgressOf2(leader));
        Assert.Equal(Given.Id((1, 3)), Assert.Single(SentTo2(leader)).Previous);
    }

    /// <summary>A follower that rejects still follows: its replies keep the leader from stepping down.</summary>
    [Fact]
    public void A_rejection_counts_as_contact_with_the_follower()
    {
        var leader = LeaderThatProbes();
        for (var i = 0; i < 3 * Given.ElectionTicks; i++)
        {
            leader.Tick();
            leader.EndIteration();
            foreach (var message in SentTo2(leader))
                leader.Receive(Given.Rejected(from: 2, to: 1, term: Term, message.Previous.Index.Value, hint: (0, 0), message.Round));
        }

        Assert.Equal(Role.Leader, leader.Core!.Role);
    }

    /// <summary>
    /// Entries are loaded for a follower, and when they are there, they are of no use: it has acknowledged them meanwhile, or the disk
    /// could not be read. The next ones are loaded.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_follower_is_served_after_entries_were_loaded_in_vain(bool fails)
    {
        var leader = LeaderThatProbes(Given.Options() with { MaxCachedBytes = 0 });
        leader.Receive(Given.Rejected(from: 2, to: 1, term: Term, index: 5, hint: (1, 4)));
        leader.EndIteration();
        Assert.Equal(1, leader.PendingEntriesRequests);

        if (!fails)
            leader.Receive(Given.Accepted(from: 2, to: 1, term: Term, index: 4));
        leader.CompleteEntriesRequest(fails);
        leader.EndIteration();
        leader.CompleteEntriesRequest();

        var served = SentTo2(leader).FindLast(m => !m.Entries.IsEmpty);
        Assert.NotNull(served);
        Assert.Equal(fails ? 4UL : 5, served.Entries.Span[0].Index.Value);
    }
}
