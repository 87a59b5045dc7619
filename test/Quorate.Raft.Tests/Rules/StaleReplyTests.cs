namespace Quorate.Raft.Tests.Rules;

/// <summary>A reply to a message of an earlier term has no effect on reads or replication, however late it arrives.</summary>
public sealed class StaleReplyTests
{
    /// <summary>
    /// A node led term 2, began round 1, and restarted; it leads term 4 and begins round 1 again. The message of term 2 was delayed all
    /// that time and reaches a member in term 4 only now: the reply must not confirm round 1 of term 4.
    /// </summary>
    [Fact]
    public void A_reply_to_an_earlier_terms_message_confirms_no_read()
    {
        var late = Given.Heartbeat(from: 1, to: 2, term: 2, previous: (2, 1), round: 1);
        var member = Given.Follower(id: 2, term: 4, log: [2, 4], leader: 1);
        var leader = Given.Leader(id: 1, term: 4, log: [2], settled: true);

        leader.Read(ticket: 7);
        leader.EndIteration();
        member.Receive(late);
        var effects = leader.Receive(member.Take<AppendEntriesReply>().Single());

        Assert.Empty(effects.ReadResults);
    }

    /// <summary>The same late reply does not indicate diverged logs either, so pipelining continues.</summary>
    [Fact]
    public void A_rejection_of_an_earlier_terms_message_does_not_stop_pipelining()
    {
        var late = Given.Heartbeat(from: 1, to: 2, term: 2, previous: (2, 30));
        var member = Given.Follower(id: 2, term: 4, log: [2, 4], leader: 1);
        var leader = Given.Leader(id: 1, term: 4, log: [2], settled: true);

        member.Receive(late);
        leader.Receive(member.Take<AppendEntriesReply>().Single());

        Assert.Equal([ReplicationState.Replicate, ReplicationState.Replicate], leader.Core!.Followers.Select(f => f.State));
    }
}
