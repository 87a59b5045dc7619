namespace Quorate.Raft.Tests.Paper;

/// <summary>Thesis §9.6 (pre-vote), §6.2 (check-quorum), §4.2.3 (disruptive servers).</summary>
public sealed class PreVoteAndCheckQuorumTests
{
    /// <summary>
    /// Thesis §9.6: "a candidate only increments its term if it first learns from a majority of the cluster that they would be willing to
    /// grant the candidate their votes".
    /// </summary>
    [Fact]
    public void A_pre_vote_request_changes_no_term_and_writes_nothing()
    {
        var node = Given.PreCandidate(id: 1, term: 3);

        Assert.Equal((3UL, 0), (node.Core!.Term.Value, node.Disk.Pending));
        var requests = node.Take<RequestVote>();
        Assert.Equal([2, 3], requests.Select(r => r.To.Value));
        Assert.All(requests, r => Assert.Equal((true, 4UL), (r.PreVote, r.Term.Value)));
    }

    /// <summary>
    /// A partitioned node requests pre-votes repeatedly without entering a new term, so it disturbs no other node when it returns.
    /// </summary>
    [Fact]
    public void The_term_of_a_partitioned_node_does_not_increase()
    {
        var node = Given.Follower(id: 1, term: 3);
        node.Tick(100 * Given.ElectionTicks);

        Assert.Equal(3UL, node.Core!.Term.Value);
    }

    /// <summary>A granted pre-vote changes neither term nor vote, writes nothing, and may be given to any number of candidates.</summary>
    [Fact]
    public void A_granted_pre_vote_changes_neither_term_nor_vote()
    {
        var node = Given.Follower(id: 2, term: 3, log: [3]);
        node.Receive(Given.PreVote(from: 1, to: 2, term: 4, last: (3, 1)));
        node.Receive(Given.PreVote(from: 3, to: 2, term: 4, last: (3, 1)));

        var replies = node.Take<RequestVoteReply>();
        Assert.Equal([1, 3], replies.Select(r => r.To.Value));
        Assert.All(replies, r => Assert.Equal((true, true, 4UL), (r.PreVote, r.Granted, r.Term.Value)));
        Assert.Equal((3UL, NodeId.None, 0), (node.Core!.Term.Value, node.Core.VotedFor, node.Disk.Pending));
    }

    /// <summary>Thesis §9.6: a pre-vote is denied to a log that is behind; §4.2.3: and by a node that receives from a leader.</summary>
    [Fact]
    public void A_pre_vote_is_denied_to_a_stale_log_or_while_a_leader_is_known()
    {
        var ahead = Given.Follower(id: 2, term: 3, log: [3, 3]);
        ahead.Receive(Given.PreVote(from: 1, to: 2, term: 4, last: (3, 1)));
        Assert.False(ahead.Take<RequestVoteReply>().Single().Granted);

        var following = Given.Follower(id: 2, term: 3, leader: 3);
        following.Receive(Given.PreVote(from: 1, to: 2, term: 4));
        Assert.False(following.Take<RequestVoteReply>().Single().Granted);

        following.Tick(Given.ElectionTicks);
        following.Receive(Given.PreVote(from: 1, to: 2, term: 4));
        Assert.True(following.Take<RequestVoteReply>().Last().Granted);
    }

    /// <summary>
    /// A denied pre-vote carries the voter's term, and the pre-candidate adopts it: otherwise a node of a lower term would request
    /// pre-votes without end (etcd #8243, openraft d6a6d562).
    /// </summary>
    [Fact]
    public void A_denied_pre_vote_carries_the_voters_term()
    {
        var voter = Given.Follower(id: 2, term: 9);
        voter.Receive(Given.PreVote(from: 1, to: 2, term: 4));
        var denial = voter.Take<RequestVoteReply>().Single();
        Assert.Equal((false, 9UL), (denial.Granted, denial.Term.Value));

        var node = Given.PreCandidate(id: 1, term: 3);
        node.Receive(denial);
        Assert.Equal((Role.Follower, 9UL), (node.Core!.Role, node.Core.Term.Value));
    }

    /// <summary>
    /// Thesis §4.2.3: a server that receives from a leader "does not update its term or grant its vote"; it sends no reply.
    /// </summary>
    [Fact]
    public void A_node_with_leader_contact_ignores_vote_requests()
    {
        var follower = Given.Follower(id: 2, term: 3, leader: 1);
        follower.Receive(Given.Vote(from: 3, to: 2, term: 8));
        var leader = Given.Leader(id: 1, term: 3, settled: true);
        leader.Receive(Given.Vote(from: 3, to: 1, term: 8));

        Assert.Equal((3UL, Role.Leader), (follower.Core!.Term.Value, leader.Core!.Role));
        Assert.Empty(follower.Outbox);
    }

    /// <summary>
    /// Thesis §6.2: "a leader steps down if an election timeout elapses without a successful round of heartbeats to a majority"; it also
    /// stops sending (openraft #2080).
    /// </summary>
    [Fact]
    public void A_leader_without_a_quorum_steps_down_and_stops_sending()
    {
        var leader = Given.Leader(id: 1, term: 2, size: 5, settled: true);
        for (var i = 0; i <= Given.ElectionTicks && leader.Core!.Role == Role.Leader; i++)
        {
            leader.Tick();
            leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1));
            leader.EndIteration();
        }

        Assert.Equal((Role.Follower, NodeId.None), (leader.Core!.Role, leader.Core.Leader));
        leader.Outbox.Clear();
        leader.Tick(Given.ElectionTicks / 2);
        leader.EndIteration();
        Assert.Empty(leader.Outbox);
    }

    /// <summary>A leader stays the leader while a quorum replies, even with rejections.</summary>
    [Fact]
    public void A_leader_with_a_quorum_keeps_leading()
    {
        var leader = Given.Leader(id: 1, term: 2, size: 5, settled: true);
        for (var i = 0; i < 5 * Given.ElectionTicks; i++)
        {
            leader.Tick();
            leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1));
            leader.Receive(Given.Rejected(from: 4, to: 1, term: 2, index: 1, hint: (0, 0)));
        }

        Assert.Equal(Role.Leader, leader.Core!.Role);
    }

    /// <summary>
    /// A leader must have a working disk of its own (hashicorp #503, etcd #13527). It first tries to pass leadership on; here no
    /// member takes it.
    /// </summary>
    [Fact]
    public void A_leader_whose_disk_stalls_while_others_commit_steps_down()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Propose(1);
        leader.EndIteration();
        for (var i = 0; i <= 2 * Given.ElectionTicks && leader.Core!.Role == Role.Leader; i++)
        {
            leader.Tick();
            leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 2));
            leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 2));
        }

        Assert.Equal(Role.Follower, leader.Core!.Role);
        leader.Tick(10 * Given.ElectionTicks);
        Assert.Equal(Role.Follower, leader.Core.Role);
    }

    /// <summary>
    /// A follower lacks entries that the leader would have to load from its disk, and without that follower no entry is committed. So no
    /// other member commits entries that the leader cannot write, and the leader would stay leader without end, because its heartbeats
    /// still arrive.
    /// </summary>
    [Fact]
    public void A_leader_whose_disk_stalls_while_a_follower_needs_it_steps_down()
    {
        var leader = Given.Leader(id: 1, term: 2, log: [1, 1, 1], options: Given.Options(1) with { MaxCachedBytes = 0 });
        leader.EndIteration();
        leader.Flush();
        leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 4));
        leader.Apply();
        leader.EndIteration();
        leader.Receive(Given.Rejected(from: 2, to: 1, term: 2, index: 3, hint: (0, 0)));
        leader.EndIteration();
        Assert.Equal(1, leader.PendingEntriesRequests);

        leader.Propose(1);
        leader.EndIteration();
        for (var i = 0; i <= 2 * Given.ElectionTicks && leader.Core!.Role == Role.Leader; i++)
        {
            leader.Tick();
            leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 5));
        }

        Assert.Equal(leader.Core!.DurableIndex, leader.Core.CommitIndex);
        Assert.Equal(Role.Follower, leader.Core.Role);
    }

    /// <summary>
    /// The process of a killed leader closes its connections: the leader is replaced within a fraction of the election timeout, by one
    /// candidate and not by all at once.
    /// </summary>
    [Fact]
    public void A_lost_connection_to_the_leader_starts_pre_votes_in_id_order()
    {
        var campaignTicks = new List<int>();
        foreach (ulong id in new[] { 1, 3, 4, 5 })
        {
            var node = Given.Follower(
                id, term: 2, leader: 2, size: 5, options: Given.Options(id) with { ElectionTicks = 100, HeartbeatTicks = 10 });
            node.Step(Input.PeerLost(Given.Node(2)));
            var ticks = 0;
            for (; node.Core!.Role == Role.Follower; ticks++)
                node.Tick();
            campaignTicks.Add(ticks);
        }

        Assert.Equal(campaignTicks.Order(), campaignTicks);
        Assert.Equal(campaignTicks.Distinct(), campaignTicks);
        Assert.True(campaignTicks[^1] < 25, "the node with the longest delay waits less than a quarter of the election timeout");
    }

    /// <summary>A pre-vote commits the node to nothing, so no request waits until the entries of the past leader are flushed.</summary>
    [Fact]
    public void A_pre_vote_is_requested_before_pending_entries_are_durable()
    {
        var node = Given.Follower(id: 2, term: 2, log: [1], leader: 1);
        node.Receive(Given.Append(from: 1, to: 2, term: 2, previous: (1, 1), entries: [2]));
        node.Step(Input.PeerLost(Given.Node(1)));
        while (node.Core!.Role == Role.Follower)
            node.Tick();

        Assert.Equal([Given.Node(1), Given.Node(3)], node.Take<RequestVote>().Where(static m => m.PreVote).Select(static m => m.To));
    }

    /// <summary>A repeated pre-vote costs little, and a voter may notice only a moment later that the leader is gone.</summary>
    [Theory]
    [InlineData(5, 1, 1)]
    [InlineData(10, 1, 1)]
    [InlineData(20, 2, 3)]
    [InlineData(100, 10, 19)]
    public void Pre_votes_are_repeated_after_a_tenth_to_a_fifth_of_an_election_timeout(int electionTicks, int shortest, int longest)
    {
        var node = Given.PreCandidate(options: Given.Options() with { ElectionTicks = electionTicks, HeartbeatTicks = 1 });
        node.Outbox.Clear();
        var seen = new HashSet<int>();
        for (var i = 0; i < 500; i++)
        {
            var ticks = 0;
            for (; node.Outbox.Count == 0; ticks++)
                node.Tick();
            seen.Add(ticks);
            node.Outbox.Clear();
        }

        Assert.Equal((shortest, longest), (seen.Min(), seen.Max()));
    }

    /// <summary>A majority of denials ends the candidacy, and the node waits for a whole election timeout before it tries again.</summary>
    [Fact]
    public void A_pre_vote_that_a_majority_denies_is_lost()
    {
        var node = Given.PreCandidate(id: 1, term: 3);
        node.Receive(Given.PreVoteReply(from: 2, to: 1, term: 3, granted: false));
        Assert.Equal(Role.PreCandidate, node.Core!.Role);
        node.Receive(Given.PreVoteReply(from: 3, to: 1, term: 2, granted: false));
        Assert.Equal(Role.Follower, node.Core.Role);
        node.Tick(Given.ElectionTicks - 1);
        Assert.Equal(Role.Follower, node.Core.Role);
    }
}
