namespace Quorate.Raft.Tests.Paper;

/// <summary>Thesis §6.4: reads that need no log entry and are never stale.</summary>
public sealed class LinearizableReadTests
{
    /// <summary>
    /// §6.4 step 1: "If the leader has not yet marked an entry from its current term committed, it waits until it has done so" (etcd
    /// #7331).
    /// </summary>
    [Fact]
    public void No_read_is_granted_before_an_entry_of_the_term_is_committed()
    {
        var leader = Given.Leader(id: 1, term: 4, log: [1, 3]);
        leader.Read(ticket: 1);
        leader.EndIteration();
        leader.Flush();
        Assert.Empty(leader.Receive(Given.Accepted(from: 2, to: 1, term: 4, index: 2, round: 0)).ReadResults);

        leader.Receive(Given.Accepted(from: 2, to: 1, term: 4, index: 3, round: 0));
        leader.EndIteration();
        var round = leader.Take<AppendEntries>()[^1].Round;
        var read = Assert.Single(leader.Receive(Given.Accepted(from: 2, to: 1, term: 4, index: 3, round)).ReadResults);
        Assert.Equal((1UL, 3UL, null), (read.Ticket, read.Index.Value, read.RejectReason));
    }

    /// <summary>The same on a single voter, after a restart (etcd raft #105, jraft #1049).</summary>
    [Fact]
    public void A_single_voter_grants_reads_only_above_its_own_first_entry()
    {
        var node = Given.Leader(id: 1, term: 4, log: [1, 3], size: 1);
        node.Read(ticket: 1);
        Assert.Empty(node.EndIteration().ReadResults);

        node.Flush();
        Assert.Equal(3UL, Assert.Single(node.EndIteration().ReadResults).Index.Value);
    }

    /// <summary>
    /// §6.4 steps 2, 3: the leader records its commit index, and a majority must reply to a round of heartbeats sent after that.
    /// </summary>
    [Fact]
    public void A_read_is_granted_when_a_quorum_acknowledges_a_later_round()
    {
        var leader = Given.Leader(id: 1, term: 2, size: 5, settled: true);
        leader.Read(ticket: 1);
        leader.EndIteration();
        var round = leader.Take<AppendEntries>()[0].Round;

        Assert.Empty(leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1, round)).ReadResults);
        Assert.Empty(leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1, round)).ReadResults);
        Assert.Empty(leader.Receive(Given.Accepted(from: 3, to: 1, term: 2, index: 1, round - 1)).ReadResults);
        Assert.Single(leader.Receive(Given.Accepted(from: 4, to: 1, term: 2, index: 1, round)).ReadResults);
    }

    /// <summary>
    /// A read that arrives during a round does not join it: followers may have replied to that round before the read was requested.
    /// </summary>
    [Fact]
    public void A_read_during_a_round_waits_for_the_next_round()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Read(ticket: 1);
        leader.EndIteration();
        var round = leader.Take<AppendEntries>()[0].Round;
        leader.Read(ticket: 2);
        leader.Read(ticket: 3);
        leader.EndIteration();

        Assert.Equal([1], leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1, round)).ReadResults.Select(r => r.Ticket));
        leader.EndIteration();
        Assert.Equal(
            [2, 3], leader.Receive(Given.Accepted(from: 2, to: 1, term: 2, index: 1, round + 1)).ReadResults.Select(r => r.Ticket));
    }

    /// <summary>
    /// A rejection confirms the round like an acceptance: a follower that rejects an entry still considers the sender the leader.
    /// </summary>
    [Fact]
    public void A_rejected_append_confirms_its_round()
    {
        var leader = Given.Leader(id: 1, term: 2, settled: true);
        leader.Read(ticket: 1);
        leader.EndIteration();
        var round = leader.Take<AppendEntries>()[0].Round;

        Assert.Single(leader.Receive(Given.Rejected(from: 2, to: 1, term: 2, index: 1, hint: (0, 0), round)).ReadResults);
    }

    /// <summary>A deposed leader grants no read; its own reads move to the next leader (etcd #21375).</summary>
    [Fact]
    public void A_deposed_leader_forwards_its_reads_to_the_next_leader()
    {
        var node = Given.Leader(id: 1, term: 2, settled: true);
        node.Read(ticket: 1);
        node.EndIteration();
        node.Outbox.Clear();
        Assert.Empty(node.Receive(Given.Heartbeat(from: 2, to: 1, term: 3, previous: (2, 1))).ReadResults);

        node.Flush();
        node.EndIteration();
        var request = node.Take<ReadIndexRequest>().Single();
        Assert.Equal(Given.Node(2), request.To);
        var reply = new ReadIndexReply
        {
            From = Given.Node(2), To = Given.Node(1), Term = new Term(3), ReadId = request.ReadId, Granted = true, Index = Given.At(9)
        };
        var read = node.Receive(reply).ReadResults.Single();
        Assert.Equal((1UL, 9UL, null), (read.Ticket, read.Index.Value, read.RejectReason));
    }

    /// <summary>
    /// §6.4: "followers can help offload the processing of read-only queries": they send requests to the leader, and each request has an id
    /// of its own.
    /// </summary>
    [Fact]
    public void A_follower_ignores_a_read_reply_to_its_previous_process()
    {
        var node = Given.Follower(id: 2, term: 2, log: [2], leader: 1);
        node.Read(ticket: 1);
        node.EndIteration();
        var before = node.Take<ReadIndexRequest>().Single();
        node.Crash();
        node.Start();
        node.Receive(Given.Heartbeat(from: 1, to: 2, term: 2));
        node.Read(ticket: 2);
        node.EndIteration();

        Assert.NotEqual(before.ReadId, node.Take<ReadIndexRequest>().Single().ReadId);
        var late = new ReadIndexReply
        {
            From = Given.Node(1), To = Given.Node(2), Term = new Term(2), ReadId = before.ReadId, Granted = true, Index = Given.At(1)
        };
        Assert.Empty(node.Receive(late).ReadResults);
    }

    /// <summary>A request or its reply may be lost: the request is sent again, under the same id, until a reply arrives.</summary>
    [Fact]
    public void A_follower_retries_a_forwarded_read_under_the_same_id()
    {
        var node = Given.Follower(id: 2, term: 2, leader: 1);
        node.Read(ticket: 1);
        var ids = new HashSet<ulong>();
        for (var i = 0; i < 3; i++)
        {
            node.EndIteration();
            ids.Add(node.Take<ReadIndexRequest>().Single().ReadId);
            node.EndIteration();
            Assert.Empty(node.Take<ReadIndexRequest>());
            node.Tick(Given.ElectionTicks / 10);
        }

        Assert.Single(ids);
    }

    /// <summary>A thousand reads on a follower cost the leader one request per iteration, and one reply completes them all.</summary>
    [Fact]
    public void Reads_of_one_iteration_share_one_request()
    {
        var node = Given.Follower(id: 2, term: 2, leader: 1);
        for (ulong ticket = 1; ticket <= 1000; ticket++)
            node.Read(ticket);
        node.EndIteration();
        var request = node.Take<ReadIndexRequest>().Single();
        node.Read(ticket: 1001);
        node.EndIteration();
        Assert.NotEqual(request.ReadId, node.Take<ReadIndexRequest>().Single().ReadId);

        node.Tick(Given.ElectionTicks / 10);
        node.EndIteration();
        Assert.Equal(2, node.Take<ReadIndexRequest>().Count);
        var reply = new ReadIndexReply
        {
            From = Given.Node(1), To = Given.Node(2), Term = new Term(2), ReadId = request.ReadId, Granted = true, Index = Given.At(4)
        };
        Assert.Equal(Enumerable.Range(1, 1000).Select(t => (ulong)t), node.Receive(reply).ReadResults.Select(r => r.Ticket));
        Assert.Empty(node.Receive(reply).ReadResults);
    }

    [Fact]
    public void A_read_that_the_past_leader_did_not_answer_is_sent_to_the_new_leader_at_once()
    {
        var node = Given.Follower(id: 2, term: 2, leader: 1);
        node.Read(1);
        node.EndIteration();
        Assert.Equal(Given.Node(1), Assert.Single(node.Take<ReadIndexRequest>()).To);
        node.EndIteration();
        Assert.Empty(node.Take<ReadIndexRequest>());

        node.Receive(Given.Heartbeat(from: 3, to: 2, term: 3));
        node.Flush();
        node.EndIteration();
        Assert.Equal(Given.Node(3), Assert.Single(node.Take<ReadIndexRequest>()).To);
    }
}
