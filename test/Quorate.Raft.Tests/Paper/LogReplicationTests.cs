namespace Quorate.Raft.Tests.Paper;

/// <summary>Paper §5.3: log replication, and the AppendEntries receiver of Fig. 2.</summary>
public sealed class LogReplicationTests
{
    /// <summary>Thesis §6.4: a leader begins its term with an empty entry.</summary>
    [Fact]
    public void A_new_leader_sends_a_no_op_to_all_members_at_the_end_of_the_iteration()
    {
        var leader = Given.Leader(id: 1, term: 4, log: [1, 3], size: 5);
        Assert.Empty(leader.Outbox);
        leader.EndIteration();

        var sent = leader.Take<AppendEntries>();
        Assert.Equal([2, 3, 4, 5], sent.Select(m => m.To.Value));
        Assert.All(sent, m => Assert.Equal(
            (Given.Id((3, 2)), EntryKind.NoOp, Given.Id((4, 3))), (m.Previous, m.Entries.Span[0].Kind, m.Entries.Span[0].Id)));
    }

    /// <summary>Paper §5.3: replication does not wait for the leader's own disk; both proceed in parallel (thesis §10.2.1).</summary>
    [Fact]
    public void A_leader_sends_entries_before_they_are_durable_locally()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Propose(1, 2, 3);
        leader.EndIteration();

        Assert.Equal(1, leader.Disk.Pending);
        Assert.All(leader.Take<AppendEntries>(), m => Assert.Equal(3, m.Entries.Length));
    }

    /// <summary>Paper Fig. 2: "Reply false if log doesn't contain an entry at prevLogIndex whose term matches prevLogTerm".</summary>
    [Theory]
    [InlineData(1, 3)] // beyond the end of the log
    [InlineData(9, 2)] // present, but of another term
    public void A_follower_rejects_entries_whose_predecessor_it_lacks(ulong previousTerm, ulong previousIndex)
    {
        var follower = Given.Follower(id: 2, term: 9, log: [1, 1]);
        var effects = follower.Receive(Given.Append(from: 1, to: 2, term: 9, previous: (previousTerm, previousIndex), entries: [9]));

        Assert.True(effects.Append.IsEmpty);
        Assert.False(follower.Take<AppendEntriesReply>().Single().Accepted);
    }

    /// <summary>
    /// Paper Fig. 2: "If an existing entry conflicts with a new one (same index but different terms), delete the existing entry and all
    /// that follow it".
    /// </summary>
    [Fact]
    public void A_conflicting_entry_is_replaced_with_all_that_follow_it()
    {
        var follower = Given.Follower(id: 2, term: 5, log: [1, 2, 2, 2]);
        follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (1, 1), entries: [4, 5]));
        follower.Flush();

        Assert.Equal([1, 4, 5], follower.Disk.Entries.Select(e => e.Term.Value));
        Assert.Equal(3UL, follower.Take<AppendEntriesReply>().Single().Index.Value);
    }

    /// <summary>
    /// Paper Fig. 2: "Append any new entries not already in the log". A duplicate or late message changes nothing (DotNext's log truncates
    /// here).
    /// </summary>
    [Fact]
    public void A_reordered_append_truncates_nothing()
    {
        var follower = Given.Follower(id: 2, term: 5, log: [1, 5, 5, 5], leader: 1);
        var effects = follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (1, 1), entries: [5]));

        Assert.True(effects.Append.IsEmpty);
        Assert.Equal(4UL, follower.Core!.LastIndex.Value);
        Assert.Equal(2UL, follower.Take<AppendEntriesReply>().Single().Index.Value);
    }

    /// <summary>The same below the commit index, where the entries may no longer be in the log (openraft 44381b0c).</summary>
    [Fact]
    public void A_late_append_below_the_commit_index_is_accepted_without_effect()
    {
        var follower = Given.Follower(id: 2, term: 5, log: [1, 5, 5, 5], commit: 3, leader: 1);
        var effects = follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (0, 0), entries: [1, 5]));

        Assert.True(effects.Append.IsEmpty);
        var reply = follower.Take<AppendEntriesReply>().Single();
        Assert.Equal((true, 2UL), (reply.Accepted, reply.Index.Value));
    }

    /// <summary>An acknowledgement covers what is on disk, never what was only appended (Yugabyte #32875; DotNext).</summary>
    [Fact]
    public void A_follower_acknowledges_entries_when_they_are_durable()
    {
        var follower = Given.Follower(id: 2, term: 5, leader: 1);
        follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (0, 0), entries: [5, 5]));
        Assert.Empty(follower.Outbox);

        follower.Flush();
        Assert.Equal(2UL, follower.Take<AppendEntriesReply>().Single().Index.Value);
    }

    /// <summary>A duplicate that arrives during the flush of the first message does not acknowledge the entries early.</summary>
    [Fact]
    public void A_duplicate_append_is_acknowledged_no_sooner_than_the_first()
    {
        var follower = Given.Follower(id: 2, term: 5, leader: 1);
        for (var i = 0; i < 2; i++)
            follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (0, 0), entries: [5, 5]));
        follower.Receive(Given.Heartbeat(from: 1, to: 2, term: 5, previous: (5, 2), round: 3));

        var reply = follower.Take<AppendEntriesReply>().Single();
        Assert.Equal((true, 0UL, 3UL), (reply.Accepted, reply.Index.Value, reply.Round));
    }

    /// <summary>
    /// Entries that another leader replaced while they were being written do not become durable when that write completes (ClickHouse
    /// #102629).
    /// </summary>
    [Fact]
    public void A_write_of_entries_replaced_meanwhile_makes_none_durable()
    {
        var follower = Given.Follower(id: 2, term: 5, log: [1], leader: 1);
        follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (1, 1), entries: [5, 5, 5]));
        follower.Receive(Given.Append(from: 3, to: 2, term: 6, previous: (1, 1), entries: [6]));
        follower.Flush(1);
        Assert.Equal(1UL, follower.Core!.DurableIndex.Value);

        follower.Flush(1);
        Assert.Equal(2UL, follower.Core.DurableIndex.Value);
    }

    /// <summary>
    /// Paper Fig. 2: a reply is valid only in its own term. The sender's entry at that index may have been replaced since.
    /// </summary>
    [Fact]
    public void A_reply_of_an_earlier_term_is_ignored()
    {
        var leader = Given.Leader(id: 1, term: 4, log: [1, 3, 3]);
        leader.EndIteration();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 3, index: 4));
        Assert.Equal(0UL, leader.Core!.CommitIndex.Value);

        leader.Receive(Given.Accepted(from: 2, to: 1, term: 4, index: 4));
        Assert.Equal(4UL, leader.Core.CommitIndex.Value);
    }

    /// <summary>
    /// Paper Fig. 2: "set commitIndex = min(leaderCommit, index of last new entry)": the last of this message, not of the log (CCF #5674).
    /// </summary>
    [Fact]
    public void A_follower_commits_no_further_than_the_message_matches()
    {
        var follower = Given.Follower(id: 2, term: 5, log: [1, 2, 2, 2]);
        follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (1, 1), entries: [2], commit: 4));

        Assert.Equal(2UL, follower.Core!.CommitIndex.Value);
    }

    /// <summary>Paper Fig. 2: the commit index is a maximum; a late message does not decrease it (DaosRaft #70).</summary>
    [Fact]
    public void A_commit_index_never_decreases()
    {
        var follower = Given.Follower(id: 2, term: 5, log: [5, 5, 5], commit: 3);
        follower.Receive(Given.Heartbeat(from: 1, to: 2, term: 5, previous: (5, 1), commit: 1));

        Assert.Equal(3UL, follower.Core!.CommitIndex.Value);
    }

    /// <summary>
    /// Paper §5.3: "after a rejection, the leader decrements nextIndex and retries", by a whole term at a time: "the protocol can be
    /// optimized".
    /// </summary>
    [Theory]
    [InlineData(new ulong[] { 1, 1, 1, 4, 4, 5, 5, 6, 6 }, 9UL, 6UL, 9UL)] // Fig. 7 a: lacks the last entry
    [InlineData(new ulong[] { 1, 1, 1, 4 }, 4UL, 4UL, 4UL)] // b: lacks more entries
    [InlineData(new ulong[] { 1, 1, 1, 4, 4, 4, 4 }, 7UL, 4UL, 5UL)] // e: more of term 4 than the leader has
    [InlineData(new ulong[] { 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3 }, 10UL, 3UL, 3UL)] // f: two terms that no other log has
    public void A_rejection_carries_a_hint_at_which_the_leader_probes(ulong[] log, ulong hintIndex, ulong hintTerm, ulong nextPrevious)
    {
        var leader = Given.Leader(id: 1, term: 8, log: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]);
        var follower = Given.Follower(id: 2, term: 7, log: log);
        leader.EndIteration();
        follower.Receive(leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2)));
        follower.Flush();

        var reply = follower.Take<AppendEntriesReply>().Single();
        Assert.Equal((false, Given.Id((hintTerm, hintIndex))), (reply.Accepted, reply.Hint));
        leader.Receive(reply);
        leader.EndIteration();
        Assert.Equal(nextPrevious, leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2)).Previous.Index.Value);
    }

    /// <summary>A hundred entries of divergence cost no more messages than two (openraft 6d53aa12, ClickHouse #103406).</summary>
    [Theory]
    [InlineData(2)]
    [InlineData(500)]
    public void A_diverging_term_costs_one_rejection_whatever_its_length(int entries)
    {
        var leader = Given.Leader(id: 1, term: 8, log: [1, .. Enumerable.Repeat(7UL, entries)]);
        var follower = Given.Follower(id: 2, term: 7, log: [1, .. Enumerable.Repeat(6UL, entries)]);
        var rejections = 0;
        while (leader.Core!.Followers.First().Match < leader.Core.LastIndex)
        {
            leader.EndIteration();
            foreach (var message in leader.Take<AppendEntries>().Where(m => m.To == Given.Node(2)))
                follower.Receive(message);
            follower.Flush();
            foreach (var reply in follower.Take<AppendEntriesReply>())
            {
                rejections += reply.Accepted ? 0 : 1;
                leader.Receive(reply);
            }
        }

        Assert.Equal(1, rejections);
    }

    /// <summary>Thesis §10.2.1: messages follow one another without waiting for replies, up to the window.</summary>
    [Fact]
    public void Appends_are_pipelined_up_to_the_window()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true, options: Given.Options(1) with { MaxInflightMessages = 3 });
        for (ulong i = 1; i <= 5; i++)
        {
            leader.Propose(i);
            leader.EndIteration();
        }

        var sent = leader.Take<AppendEntries>().Where(m => m.To == Given.Node(2)).ToList();
        Assert.Equal([2, 3, 4], sent.Select(m => m.LastIndex.Value));

        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 3));
        leader.EndIteration();
        Assert.Equal(
            [6], leader.Take<AppendEntries>().Where(m => m.To == Given.Node(2) && !m.Entries.IsEmpty).Select(m => m.LastIndex.Value));
    }

    /// <summary>Proposals that arrived together leave together.</summary>
    [Fact]
    public void Proposals_of_one_iteration_are_sent_in_one_message()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        for (ulong i = 1; i <= 60; i++)
            leader.Propose(i);
        leader.EndIteration();

        Assert.Equal(60, leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2)).Entries.Length);
    }

    /// <summary>The next heartbeat detects a lost message: it names a predecessor that the follower lacks.</summary>
    [Fact]
    public void A_lost_append_is_resent_after_the_next_heartbeat()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        var follower = Given.Follower(id: 2, term: 2, log: [2], leader: 1);
        leader.Propose(1);
        leader.EndIteration();
        leader.Outbox.Clear();

        leader.Tick(Given.ElectionTicks / 10);
        leader.EndIteration();
        follower.Receive(leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2)));
        leader.Receive(follower.Take<AppendEntriesReply>().Single());
        leader.EndIteration();

        Assert.Equal(1, leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2)).Entries.Length);
    }
}
