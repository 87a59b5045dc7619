namespace Quorate.Raft.Tests.Rules;

/// <summary>
/// A disk slower than the election timeout delays an election by one flush: a candidate starts no other election before its vote is
/// durable.
/// </summary>
public sealed class SlowDiskElectionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_candidate_does_not_campaign_again_before_its_vote_is_durable(int size)
    {
        var node = Given.PreCandidate(id: 1, term: 1, size: size);
        if (size > 1)
            node.Receive(Given.PreVoteReply(from: 2, to: 1, term: 2));
        node.Tick(Given.ElectionTicks);

        Assert.Equal((Role.Candidate, 2UL, 1), (node.Core!.Role, node.Core.Term.Value, node.Disk.Pending));
    }

    /// <summary>Each flush takes three ticks; a single voter still leads after the first one.</summary>
    [Fact]
    public void A_single_voter_with_a_slow_disk_becomes_leader()
    {
        var node = Given.PreCandidate(id: 1, size: 1);
        for (var flush = 0; flush < 5 && node.Core!.Role != Role.Leader; flush++)
        {
            var pendingAppends = node.Disk.Pending;
            node.Tick(3);
            node.Flush(pendingAppends);
        }

        Assert.Equal((Role.Leader, 2UL), (node.Core!.Role, node.Core.Term.Value));
    }
}
