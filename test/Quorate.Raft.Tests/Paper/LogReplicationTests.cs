namespace Quorate.Raft.Tests.Paper;

/// <summary>Paper §5.3: log replication, and the AppendEntries receiver of Fig. 2.</summary>
public sealed class LogReplicationTests
{
    /// <summary>Thesis §6.4: a leader begins its term with a no-op.</summary>
    [Fact]
    public void A_new_leader_sends_a_no_op_to_all_other_members_at_the_end_of_the_iteration()
    {
        var leader = Given.Leader(id: 1, term: 4, log: [1, 3], size: 5);
        Assert.Empty(leader.Outbox);
        leader.EndIteration();

        var sent = leader.Take<AppendEntries>();
        Assert.Equal([2, 3, 4, 5], sent.Select(m => m.To.Value));
        Assert.All(sent, m => Assert.Equal(
            (Given.Id((3, 2)), EntryKind.NoOp, Given.Id((4, 3))), (m.Previous, m.Entries.Span[0].Kind, m.Entries.Span[0].Id)));
    }

    /// <summary>Thesis §10.2.1: the leader writes to its own disk in parallel with replication.</summary>
    [Fact]
    public void A_leader_sends_entries_before_they_are_durable_locally()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Propose(1, 2, 3);
        leader.EndIteration();

        Assert.Equal(1, leader.Disk.Pending);
        var sent = leader.Take<AppendEntries>();
        Assert.Equal([2, 3], sent.Select(m => m.To.Value));
        Assert.All(sent, m => Assert.Equal(3, m.Entries.Length));
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
    public void A_conflicting_entry_and_all_later_ones_are_replaced()
    {
        var follower = Given.Follower(id: 2, term: 5, log: [1, 2, 2, 2]);
        follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (1, 1), entries: [4, 5]));
        follower.Flush();

        Assert.Equal([1, 4, 5], follower.Disk.Entries.Select(e => e.Term.Value));
        Assert.Equal(3UL, follower.Take<AppendEntriesReply>().Single().Index.Value);
    }

    /// <summary>
    /// Paper Fig. 2: "Append any new entries not already in the log". A duplicate or late message changes nothing. DotNext 6.12.0 truncates
    /// its log in this case.
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

    /// <summary>A late append below the commit index is accepted and changes nothing (openraft 44381b0c).</summary>
    [Fact]
    public void A_late_append_below_the_commit_index_is_accepted_without_effect()
    {
        var follower = Given.Follower(id: 2, term: 5, log: [1, 5, 5, 5], commit: 3, leader: 1);
        var effects = follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (0, 0), entries: [1, 5]));

        Assert.True(effects.Append.IsEmpty);
        var reply = follower.Take<AppendEntriesReply>().Single();
        Assert.Equal((true, 2UL), (reply.Accepted, reply.Index.Value));
    }

    /// <summary>
    /// A follower acknowledges only durable entries, never entries that are only in memory (YugabyteDB #32875; DotNext 6.12.0).
    /// </summary>
    [Fact]
    public void A_follower_acknowledges_entries_when_they_are_durable()
    {
        var follower = Given.Follower(id: 2, term: 5, leader: 1);
        follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (0, 0), entries: [5, 5]));
        Assert.Empty(follower.Outbox);

        follower.Flush();
        Assert.Equal(2UL, follower.Take<AppendEntriesReply>().Single().Index.Value);
    }

    /// <summary>A duplicate that arrives during the flush does not cause an acknowledgement before the flush completes.</summary>
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
    /// When a new leader replaces entries during their flush, completing that flush does not make the replacements durable (ClickHouse PR
    /// #102629).
    /// </summary>
    [Fact]
    public void Completing_the_flush_of_replaced_entries_does_not_advance_the_durable_index()
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
    /// A reply counts only in its own term: since an older reply was sent, the follower may have replaced the acknowledged entries.
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
    /// Paper Fig. 2: "set commitIndex = min(leaderCommit, index of last new entry)": the last entry of this message, not of the log (CCF
    /// #5674).
    /// </summary>
    [Fact]
    public void A_follower_commits_no_further_than_the_last_entry_of_the_message()
    {
        var follower = Given.Follower(id: 2, term: 5, log: [1, 2, 2, 2]);
        follower.Receive(Given.Append(from: 1, to: 2, term: 5, previous: (1, 1), entries: [2], commit: 4));

        Assert.Equal(2UL, follower.Core!.CommitIndex.Value);
    }

    /// <summary>Paper Fig. 2: commitIndex increases monotonically; a late message does not decrease it (DaosRaft #70).</summary>
    [Fact]
    public void A_commit_index_never_decreases()
    {
        var follower = Given.Follower(id: 2, term: 5, log: [5, 5, 5], commit: 3);
        follower.Receive(Given.Heartbeat(from: 1, to: 2, term: 5, previous: (5, 1), commit: 1));

        Assert.Equal(3UL, follower.Core!.CommitIndex.Value);
    }

    /// <summary>Paper §5.3, the optimization: after one rejection the leader skips all conflicting entries of a term.</summary>
    [Theory]
    // The follower's log; the index and the term of its hint; the index of the previous entry in the leader's next message.
    [InlineData(new ulong[] { 1, 1, 1, 4, 4, 5, 5, 6, 6 }, 9UL, 6UL, 9UL)] // Fig. 7 a: lacks the last entry
    [InlineData(new ulong[] { 1, 1, 1, 4 }, 4UL, 4UL, 4UL)] // b: lacks more entries
    [InlineData(new ulong[] { 1, 1, 1, 4, 4, 4, 4 }, 7UL, 4UL, 5UL)] // e: more of term 4 than the leader has
    [InlineData(new ulong[] { 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3 }, 10UL, 3UL, 3UL)] // f: two terms that no other log has
    public void After_a_rejection_the_leader_probes_at_its_last_entry_that_can_match_the_hint(
        ulong[] log, ulong hintIndex, ulong hintTerm, ulong nextPreviousIndex)
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
        Assert.Equal(nextPreviousIndex, leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2)).Previous.Index.Value);
    }

    /// <summary>
    /// One rejection is enough to skip a diverging term, whether it has 2 entries or 500 (openraft 6d53aa12, ClickHouse PR #103406).
    /// </summary>
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

    /// <summary>Thesis §10.2.1: messages follow one another without waiting for replies, up to MaxInflightMessages.</summary>
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

    /// <summary>A leader sends all proposals of one iteration in one message per follower.</summary>
    [Fact]
    public void Proposals_of_one_iteration_are_sent_in_one_message()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        for (ulong i = 1; i <= 60; i++)
            leader.Propose(i);
        leader.EndIteration();

        Assert.Equal(60, leader.Take<AppendEntries>().Single(m => m.To == Given.Node(2)).Entries.Length);
    }

    /// <summary>
    /// After a lost append, the follower rejects the next heartbeat because it lacks the heartbeat's previous entry; the leader then
    /// resends.
    /// </summary>
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

    /// <summary>
    /// A follower lacks entries that the leader reads from its disk. A read that fails is repeated with the follower's next reply.
    /// </summary>
    [Fact]
    public void Entries_that_could_not_be_loaded_are_requested_again()
    {
        var leader = Given.Leader(id: 1, term: 2, log: [1, 1, 1], options: Given.Options(1) with { MaxCachedBytes = 0 });
        leader.EndIteration();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 4));
        leader.Apply();
        leader.EndIteration();
        leader.Receive(Given.Rejected(from: 2, to: 1, term: 2, index: 3, hint: (0, 0)));
        leader.EndIteration();
        leader.Outbox.Clear();

        leader.CompleteEntriesRequest(fails: true);
        leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 0));
        leader.EndIteration();
        Assert.DoesNotContain(leader.Take<AppendEntries>(), static m => !m.Entries.IsEmpty);
        leader.CompleteEntriesRequest();

        var sent = leader.Take<AppendEntries>().Single(static m => !m.Entries.IsEmpty);
        Assert.Equal([1, 2, 3, 4], sent.Entries.ToArray().Select(static entry => entry.Index.Value));
    }
}
