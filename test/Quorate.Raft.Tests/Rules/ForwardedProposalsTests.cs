namespace Quorate.Raft.Tests.Rules;

/// <summary>Which forwarded proposals are sent again, and how many at a time.</summary>
public sealed class ForwardedProposalsTests
{
    private readonly ForwardedProposals _proposals = new();
    private readonly List<Proposal> _batch = [];
    private readonly long _size;

    public ForwardedProposalsTests()
    {
        for (var sequence = 1UL; sequence <= 6; sequence++)
            _proposals.Add(Given.Proposal(origin: 2, sequence));
        _size = _proposals.Bytes / 6;
    }

    /// <summary>A heartbeat resends what fits into one message: many pending proposals must not flood a slow quorum.</summary>
    [Fact]
    public void A_heartbeat_resends_one_message_of_the_oldest()
    {
        Assert.Equal([1UL, 2, 3, 4, 5, 6], Dequeue(bytesMax: 6 * _size));
        _proposals.OnHeartbeatInterval(2 * _size);
        Assert.Empty(Dequeue(2 * _size));

        _proposals.OnHeartbeatInterval(2 * _size);
        Assert.Equal([1UL, 2], Dequeue(2 * _size));
        Assert.Empty(Dequeue(2 * _size));
        _proposals.OnHeartbeatInterval((2 * _size) + 1);
        Assert.Equal([3UL, 4, 5], Dequeue(3 * _size));
    }

    [Fact]
    public void A_message_holds_as_many_proposals_as_fit_and_at_least_one()
    {
        Assert.Equal([1UL, 2], Dequeue(bytesMax: 2 * _size));
        Assert.Equal([3UL, 4], Dequeue(bytesMax: (3 * _size) - 1));
        Assert.Equal([5UL], Dequeue(bytesMax: 1));
        Assert.Equal([6UL], Dequeue(bytesMax: 1));
    }

    [Fact]
    public void A_removed_proposal_is_not_sent_again_and_takes_no_place_in_a_message()
    {
        Dequeue(bytesMax: 6 * _size);
        _proposals.Remove(1);
        _proposals.Remove(3);
        _proposals.OnHeartbeatInterval(2 * _size);
        _proposals.Remove(4);
        _proposals.OnHeartbeatInterval(2 * _size);

        Assert.Equal([2UL, 5], Dequeue(bytesMax: 2 * _size));
        Assert.Equal(3 * _size, _proposals.Bytes);
    }

    /// <summary>
    /// The queue ends with its term, because the next leader may not have what this one appended. A vote in the same term, for a candidate
    /// whose request was delayed, changes nothing for the proposals.
    /// </summary>
    [Fact]
    public void A_vote_in_the_same_term_keeps_the_proposals_for_its_leader()
    {
        var node = Given.Follower(id: 2, term: 2, leader: 1);
        node.Propose(1);
        node.Receive(Given.Vote(from: 3, to: 2, term: 2));
        node.Flush();
        Assert.True(Assert.Single(node.Take<RequestVoteReply>()).Granted);

        node.EndIteration();
        Assert.Equal(1UL, Assert.Single(node.Take<ForwardProposals>()).Proposals.Span[0].Id.Sequence);
    }

    private ulong[] Dequeue(long bytesMax)
    {
        _proposals.DequeueUnsent(bytesMax, _batch);
        return [.. _batch.Select(static p => p.Id.Sequence)];
    }
}
