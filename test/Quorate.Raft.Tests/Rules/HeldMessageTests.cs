namespace Quorate.Raft.Tests.Rules;

/// <summary>However long a disk takes, and however much is received meanwhile, a bounded number of messages waits for it.</summary>
public sealed class HeldMessageTests
{
    private const int Repetitions = 10_000;

    /// <summary>
    /// The disk hangs while a new term is written. Each read round, each pre-vote and each forwarded request would leave a reply that waits
    /// for the disk.
    /// </summary>
    [Fact]
    public void A_member_whose_term_is_not_durable_holds_one_message_of_each_kind_for_each_peer()
    {
        var node = Given.Follower(id: 2, term: 1, log: [1], size: 3);
        node.Receive(Given.Vote(from: 3, to: 2, term: 2, last: (1, 1)));
        for (var i = 1UL; i <= Repetitions; i++)
        {
            node.Receive(Given.Heartbeat(from: 3, to: 2, term: 2, previous: (1, 1), round: i));
            node.Receive(Given.Append(from: 3, to: 2, term: 2, previous: (2, 7), entries: [2], round: i));
            node.Receive(Given.Vote(from: 3, to: 2, term: 2, last: (1, 1)));
            node.Receive(Given.Vote(from: 1, to: 2, term: 2, last: (1, 1)));
            node.Receive(Given.PreVote(from: 1, to: 2, term: 3, last: (1, 1)));
            node.Receive(Given.ReadRequest(from: 1, to: 2, term: 2, readId: i));
            node.Receive(Given.Forward(from: 1, to: 2, term: 2, i));
            node.EndIteration();
        }

        Assert.True(node.Deferred <= 2 * 6, $"{node.Deferred} messages wait for the disk");

        node.Flush();
        Assert.Equal([Given.Node(3)], node.Take<AppendEntriesReply>().Select(m => m.To).Distinct());
        Assert.Contains(node.Take<RequestVoteReply>(), m => m.To == Given.Node(3) && m is { Granted: true, PreVote: false });
    }

    /// <summary>Once the term is durable, each request is answered again.</summary>
    [Fact]
    public void A_member_replies_to_each_message_once_its_term_is_durable()
    {
        var node = Given.Follower(id: 2, term: 1, log: [1]);
        node.Receive(Given.Heartbeat(from: 3, to: 2, term: 2, previous: (1, 1), round: 1));
        node.Receive(Given.Heartbeat(from: 3, to: 2, term: 2, previous: (1, 1), round: 2));
        node.Flush();
        Assert.Single(node.Take<AppendEntriesReply>());

        node.Receive(Given.Heartbeat(from: 3, to: 2, term: 2, previous: (1, 1), round: 3));
        node.Receive(Given.Heartbeat(from: 3, to: 2, term: 2, previous: (1, 1), round: 4));
        Assert.Equal([3UL, 4], node.Take<AppendEntriesReply>().Select(m => m.Round));
    }

    /// <summary>What waited in one term keeps back nothing in the next.</summary>
    [Fact]
    public void A_message_waits_again_in_each_term()
    {
        var node = Given.Follower(id: 2, term: 1, log: [1]);
        foreach (ulong term in new[] { 2, 3, 4 })
        {
            node.Receive(Given.Vote(from: 3, to: 2, term, last: (1, 1)));
            Assert.Empty(node.Outbox);
            node.Flush();
            Assert.Equal((true, new Term(term)), (Assert.Single(node.Take<RequestVoteReply>()).Granted, node.Core!.Term));
        }
    }

    /// <summary>A leader sends entries again after each closed connection. Their acknowledgement waits for the disk once.</summary>
    [Fact]
    public void Entries_that_arrive_again_are_acknowledged_once_when_they_are_durable()
    {
        var node = Given.Follower(id: 2, term: 2, log: [1], leader: 1);
        for (var i = 0; i < Repetitions; i++)
        {
            node.Receive(Given.Append(from: 1, to: 2, term: 2, previous: (1, 1), entries: [2, 2]));
            node.Receive(Given.Append(from: 1, to: 2, term: 2, previous: (1, 1), entries: [2]));
        }

        Assert.Equal(1, node.Deferred);
        node.Flush();
        Assert.Equal(3UL, Assert.Single(node.Take<AppendEntriesReply>()).Index.Value);
    }

    /// <summary>Entries that are pending already may arrive in several messages: each that acknowledges more waits.</summary>
    [Fact]
    public void An_acknowledgement_of_more_entries_is_not_replaced_by_an_earlier_one()
    {
        var node = Given.Follower(id: 2, term: 2, log: [1], leader: 1);
        node.Receive(Given.Append(from: 1, to: 2, term: 2, previous: (1, 1), entries: [2, 2]));
        node.Receive(Given.Append(from: 3, to: 2, term: 3, previous: (1, 1), entries: [2]));
        node.Receive(Given.Append(from: 3, to: 2, term: 3, previous: (2, 2), entries: [2]));
        node.Receive(Given.Append(from: 3, to: 2, term: 3, previous: (2, 3), entries: [3]));
        node.Flush();

        var acknowledged = node.Take<AppendEntriesReply>().Where(m => m.To == Given.Node(3)).Select(m => m.Index.Value);
        Assert.Equal([2UL, 3, 4], acknowledged);
    }

    /// <summary>
    /// Callers stop waiting while no proposal can be sent: the leader is not known, or the term is not durable. Nothing of theirs stays.
    /// </summary>
    [Fact]
    public void Abandoned_proposals_leave_no_trace_in_the_queues_of_forwarded_ones()
    {
        var forwarded = new ForwardedProposals();
        var batch = new List<Proposal>();
        forwarded.Add(Given.Proposal(origin: 2, sequence: 1));
        for (var i = 2UL; i <= Repetitions; i++)
        {
            forwarded.Add(Given.Proposal(origin: 2, sequence: i));
            forwarded.Remove(i);
            Assert.True(forwarded.QueuedCount <= 100, $"{forwarded.QueuedCount} sequences are queued for one proposal");
            if (i == Repetitions / 2)
            {
                forwarded.DequeueUnsent(bytesMax: 1 << 20, batch);
                forwarded.OnHeartbeatInterval(bytesMax: 0);
            }
        }

        forwarded.Add(Given.Proposal(origin: 2, sequence: Repetitions + 1));
        forwarded.OnHeartbeatInterval(bytesMax: 1 << 20);
        forwarded.DequeueUnsent(bytesMax: 1 << 20, batch);
        Assert.Equal([Repetitions + 1UL, 1], batch.Select(p => p.Id.Sequence));
        Assert.Equal(2, forwarded.Count);
    }
}
