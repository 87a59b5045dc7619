namespace Quorate.Raft.Tests.Paper;

/// <summary>Paper §5.1, §5.2 and §5.4.1: terms, votes, and the election restriction.</summary>
public sealed class ElectionTests
{
    /// <summary>Paper §5.2: "When servers start up, they begin as followers."</summary>
    [Fact]
    public void A_node_starts_as_a_follower_without_a_leader()
    {
        var node = Given.Follower(id: 1, term: 4, vote: 2);

        Assert.Equal((Role.Follower, NodeId.None, 4UL), (node.Core!.Role, node.Core.Leader, node.Core.Term.Value));
    }

    /// <summary>
    /// Paper §5.2: "If a follower receives no communication over a period of time called the election timeout, then it … begins an
    /// election"; §9.3: drawn from [T, 2T).
    /// </summary>
    [Fact]
    public void A_follower_without_a_leader_campaigns_after_one_to_two_election_timeouts()
    {
        var waits = new HashSet<int>();
        for (ulong id = 1; id <= 40; id++)
        {
            var node = Given.Follower(id, term: 1, size: 40, leader: id == 1 ? 2UL : 1UL);
            var ticks = 0;
            for (; node.Core!.Role == Role.Follower; ticks++)
                node.Tick();
            Assert.InRange(ticks, Given.ElectionTicks, 2 * Given.ElectionTicks - 1);
            waits.Add(ticks);
        }

        Assert.True(waits.Count > 5, "timeouts are random, so that votes rarely split");
    }

    /// <summary>
    /// Not in the paper: a node that has just started knows no leader to wait for, and a pre-vote disturbs no other node (§9.6), so it
    /// campaigns sooner.
    /// </summary>
    [Fact]
    public void A_started_node_campaigns_within_half_an_election_timeout()
    {
        for (ulong id = 1; id <= 40; id++)
        {
            var node = Given.Follower(id, size: 40);
            var ticks = 0;
            for (; node.Core!.Role == Role.Follower; ticks++)
                node.Tick();
            Assert.InRange(ticks, Given.ElectionTicks / 10, Given.ElectionTicks / 2);
        }
    }

    /// <summary>Paper §5.2: heartbeats keep a follower a follower.</summary>
    [Fact]
    public void A_follower_that_receives_heartbeats_stays_a_follower()
    {
        var node = Given.Follower(id: 2, term: 3, leader: 1);
        for (var i = 0; i < 20; i++)
        {
            node.Tick(Given.ElectionTicks / 2);
            node.Receive(Given.Heartbeat(from: 1, to: 2, term: 3));
        }

        Assert.Equal(Role.Follower, node.Core!.Role);
    }

    /// <summary>
    /// Paper §5.2: "a candidate … increments its current term … votes for itself and issues RequestVote RPCs in parallel to each of the
    /// other servers".
    /// </summary>
    [Fact]
    public void A_candidate_enters_a_new_term_and_requests_all_votes()
    {
        var node = Given.PreCandidate(id: 1, term: 3, log: [1, 3], size: 5);
        node.Receive(Given.PreVoteReply(from: 2, to: 1, term: 4));
        node.Receive(Given.PreVoteReply(from: 3, to: 1, term: 4));
        node.Outbox.Clear();

        Assert.Equal((Role.Candidate, 4UL, 1UL), (node.Core!.Role, node.Core.Term.Value, node.Core.VotedFor.Value));
        node.Flush();
        var requests = node.Take<RequestVote>();
        Assert.Equal([2, 3, 4, 5], requests.Select(r => r.To.Value));
        Assert.All(requests, r => Assert.Equal((false, 4UL, Given.Id((3, 2))), (r.PreVote, r.Term.Value, r.LastEntry)));
    }

    /// <summary>Paper Fig. 2: term and vote are "updated on stable storage before responding to RPCs".</summary>
    [Fact]
    public void A_vote_is_sent_only_when_it_is_durable()
    {
        var node = Given.Follower(id: 2, term: 1);
        node.Receive(Given.Vote(from: 1, to: 2, term: 2));
        Assert.Empty(node.Outbox);

        node.Flush();
        Assert.True(node.Take<RequestVoteReply>().Single().Granted);
        Assert.Equal(new HardState(new Term(2), Given.Node(1)), node.Disk.HardState);
    }

    /// <summary>
    /// Any message of a term implies that its sender has entered the term: none leaves before the term is durable, not even a rejection. Of
    /// the two replies to node 1 only the first waits (<see cref="Rules.HeldMessageTests"/>).
    /// </summary>
    [Fact]
    public void No_message_of_a_term_is_sent_before_the_term_is_durable()
    {
        var node = Given.Follower(id: 2, term: 1, log: [1]);
        node.Receive(Given.Heartbeat(from: 1, to: 2, term: 2));
        node.Receive(Given.Append(from: 1, to: 2, term: 2, previous: (2, 7)));
        node.Receive(Given.Vote(from: 3, to: 2, term: 2));
        node.Propose(1);
        node.Read(ticket: 1);
        node.EndIteration();
        Assert.Empty(node.Outbox);

        node.Flush();
        Assert.Equal(2, node.Outbox.Count);
        node.EndIteration();
        Assert.Equal(4, node.Outbox.Count);
    }

    /// <summary>
    /// A vote request states that its sender is in the term, so it must not leave before the term is durable (sofa-jraft #1245).
    /// </summary>
    [Fact]
    public void A_candidate_requests_no_votes_before_its_own_is_durable()
    {
        var node = Given.PreCandidate(id: 1, term: 1);
        node.Outbox.Clear();
        node.Receive(Given.PreVoteReply(from: 2, to: 1, term: 2));

        Assert.Equal(Role.Candidate, node.Core!.Role);
        Assert.Empty(node.Outbox);
        node.Flush();
        Assert.Equal(2, node.Take<RequestVote>().Count);
    }

    /// <summary>
    /// Paper §5.2: "Each server will vote for at most one candidate in a given term, on a first-come-first-served basis"; a crash in
    /// between changes nothing.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_node_votes_once_per_term_even_after_a_restart(bool restarts)
    {
        var node = Given.Follower(id: 3, term: 1);
        node.Receive(Given.Vote(from: 1, to: 3, term: 2));
        node.Flush();
        node.Outbox.Clear();
        if (restarts)
        {
            node.Crash();
            node.Start();
        }

        node.Receive(Given.Vote(from: 2, to: 3, term: 2));
        node.Flush();
        Assert.False(node.Take<RequestVoteReply>().Single().Granted);
    }

    /// <summary>The reply to a vote request may be lost: the same candidate requests the vote again and gets the same reply.</summary>
    [Fact]
    public void A_repeated_vote_request_of_one_candidate_is_granted_again()
    {
        var node = Given.Follower(id: 3, term: 2, vote: 1);
        node.Receive(Given.Vote(from: 1, to: 3, term: 2));

        Assert.True(node.Take<RequestVoteReply>().Single().Granted);
    }

    /// <summary>
    /// Paper §5.4.1: "the voter denies its vote if its own log is more up-to-date": the later last term wins, then the longer log.
    /// </summary>
    [Theory]
    [InlineData(3, 2, false)] // an earlier last term, though longer
    [InlineData(1, 4, false)] // the same last term, but shorter
    [InlineData(2, 4, true)] // the same
    [InlineData(3, 4, true)] // longer
    [InlineData(1, 5, true)] // shorter, but of a later term
    public void A_vote_is_granted_only_to_a_log_at_least_as_up_to_date(ulong index, ulong term, bool granted)
    {
        var node = Given.Follower(id: 2, term: 6, log: [1, 4]);
        node.Receive(Given.Vote(from: 1, to: 2, term: 7, last: (term, index)));
        node.Flush();

        Assert.Equal(granted, node.Take<RequestVoteReply>().Single().Granted);
    }

    /// <summary>
    /// Paper §5.2: a candidate wins "if it receives votes from a majority of the servers in the full cluster". Every size from 1 to 7.
    /// </summary>
    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    [InlineData(3, 1)]
    [InlineData(4, 2)]
    [InlineData(5, 2)]
    [InlineData(6, 3)]
    [InlineData(7, 3)]
    public void A_candidate_needs_a_majority_to_become_leader(int size, int othersNeeded)
    {
        var node = Given.Candidate(id: 1, term: 2, size: size);
        for (var other = 2; other < othersNeeded + 2; other++)
        {
            Assert.Equal(Role.Candidate, node.Core!.Role);
            node.Receive(Given.VoteReply(from: (ulong)other, to: 1, term: 2));
        }

        Assert.Equal(Role.Leader, node.Core!.Role);
    }

    /// <summary>One voter, one vote: a reply that arrives twice counts once.</summary>
    [Fact]
    public void A_duplicate_vote_counts_once()
    {
        var node = Given.Candidate(id: 1, term: 2, size: 5);
        node.Receive(Given.VoteReply(from: 2, to: 1, term: 2));
        node.Receive(Given.VoteReply(from: 2, to: 1, term: 2));

        Assert.Equal(Role.Candidate, node.Core!.Role);
    }

    /// <summary>Votes of an earlier term, or of another kind of request, elect no leader (Xraft #1, WRaft #118).</summary>
    [Fact]
    public void Stale_votes_and_pre_votes_elect_no_leader()
    {
        var node = Given.Candidate(id: 1, term: 5);
        node.Receive(Given.VoteReply(from: 2, to: 1, term: 4));
        node.Receive(Given.PreVoteReply(from: 3, to: 1, term: 5));

        Assert.Equal(Role.Candidate, node.Core!.Role);
    }

    /// <summary>A candidate counts its own vote once its own disk has flushed it, like any other vote (etcd #14370).</summary>
    [Fact]
    public void A_single_voter_leads_only_when_its_vote_is_durable()
    {
        var node = Given.PreCandidate(id: 1, size: 1);
        Assert.Equal(Role.Candidate, node.Core!.Role);

        node.Flush();
        Assert.Equal(Role.Leader, node.Core.Role);
    }

    /// <summary>
    /// Paper §5.2: a candidate that receives from a leader of its term "recognizes the leader as legitimate and returns to follower state".
    /// </summary>
    [Fact]
    public void A_candidate_follows_a_leader_of_its_term()
    {
        var node = Given.Candidate(id: 1, term: 5);
        node.Receive(Given.Heartbeat(from: 3, to: 1, term: 5));

        Assert.Equal((Role.Follower, 3UL, 1UL), (node.Core!.Role, node.Core.Leader.Value, node.Core.VotedFor.Value));
    }

    /// <summary>Paper §5.2: a leader of an earlier term is rejected, and learns the term.</summary>
    [Fact]
    public void A_leader_of_an_earlier_term_is_rejected_with_the_current_term()
    {
        var node = Given.Candidate(id: 1, term: 5);
        node.Receive(Given.Heartbeat(from: 3, to: 1, term: 4));

        Assert.Equal(Role.Candidate, node.Core!.Role);
        var reply = node.Take<AppendEntriesReply>().Single();
        Assert.Equal((false, 5UL), (reply.Accepted, reply.Term.Value));
    }

    /// <summary>
    /// Paper §5.1: "If a candidate or leader discovers that its term is out of date, it immediately reverts to follower state."
    /// </summary>
    [Fact]
    public void A_leader_that_receives_a_later_term_steps_down()
    {
        var node = Given.Leader(id: 1, term: 2, settled: true);
        node.Receive(Given.Rejected(from: 2, to: 1, term: 9, index: 0, hint: (0, 0)));

        Assert.Equal((Role.Follower, 9UL, NodeId.None), (node.Core!.Role, node.Core.Term.Value, node.Core.Leader));
    }

    /// <summary>Paper §5.2, split vote: "each candidate will time out and start a new election by incrementing its term".</summary>
    [Fact]
    public void A_split_vote_leads_to_an_election_in_a_later_term()
    {
        var node = Given.Candidate(id: 1, term: 2, size: 4);
        node.Receive(Given.VoteReply(from: 2, to: 1, term: 2));
        node.Receive(Given.VoteReply(from: 3, to: 1, term: 2, granted: false));
        node.Receive(Given.VoteReply(from: 4, to: 1, term: 2, granted: false));
        Assert.Equal(Role.Follower, node.Core!.Role);

        node.Tick(2 * Given.ElectionTicks);
        Assert.Equal(Role.PreCandidate, node.Core.Role);
        var preVotes = node.Take<RequestVote>().Where(r => r.PreVote).ToList();
        Assert.Equal([2, 3, 4], preVotes.Select(r => r.To.Value).Distinct());
        Assert.All(preVotes, r => Assert.Equal(3UL, r.Term.Value));
    }
}
