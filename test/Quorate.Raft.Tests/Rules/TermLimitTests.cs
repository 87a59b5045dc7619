using CsCheck;

namespace Quorate.Raft.Tests.Rules;

/// <summary>A message whose term is impossibly far ahead has no effect: one forged message must not end all elections for good.</summary>
public sealed class TermLimitTests
{
    private const ulong Term = 5;
    private const ulong Limit = Term + RaftCore.TermsAheadMax;

    public static TheoryData<string, Message> Messages() => new()
    {
        { "append", Given.Heartbeat(from: 1, to: 2, term: ulong.MaxValue) },
        { "entries", Given.Append(from: 1, to: 2, term: ulong.MaxValue, previous: (1, 1), entries: [ulong.MaxValue], commit: 2) },
        { "append reply", Given.Rejected(from: 1, to: 2, term: ulong.MaxValue, index: 1, hint: (1, 1)) },
        { "vote", Given.Vote(from: 1, to: 2, term: ulong.MaxValue, last: (1, 1)) },
        { "vote reply", Given.VoteReply(from: 1, to: 2, term: ulong.MaxValue, granted: false) },
        { "pre-vote", Given.PreVote(from: 1, to: 2, term: ulong.MaxValue, last: (1, 1)) },
        { "pre-vote reply", Given.PreVoteReply(from: 1, to: 2, term: ulong.MaxValue, granted: false) },
        { "forward", Given.Forward(from: 1, to: 2, term: ulong.MaxValue, 1) },
        { "read", Given.ReadRequest(from: 1, to: 2, term: ulong.MaxValue, readId: 1) },
    };

    [Theory]
    [MemberData(nameof(Messages), DisableDiscoveryEnumeration = true)]
    public void A_message_of_the_last_term_has_no_effect_and_is_traced(string kind, Message message)
    {
        foreach (var node in new[]
        {
            Given.Follower(id: 2, term: Term, log: [1]),
            Given.PreCandidate(id: 2, term: Term, log: [1]),
            Given.Candidate(id: 2, term: Term, log: [1]),
            Given.Leader(id: 2, term: Term, log: [1]),
        })
        {
            var core = node.Core!;
            var (role, term, leader, last, pending) = (core.Role, core.Term, core.Leader, core.LastIndex, node.Disk.Pending);
            node.Outbox.Clear();
            var effects = node.Step(Input.Received(message));

            Assert.Equal((role, term, leader, last), (core.Role, core.Term, core.Leader, core.LastIndex));
            Assert.Equal((0, pending), (node.Outbox.Count, node.Disk.Pending));
            Assert.Equal(
                [new TraceEvent(TraceKind.TermRejected, new Term(ulong.MaxValue), message.From, LogIndex.Zero)], effects.Trace);
            Assert.NotEmpty(kind);
        }
    }

    [Fact]
    public void The_limit_is_two_to_the_power_of_32_above_the_own_term()
    {
        var node = Given.Follower(id: 2, term: Term, log: [1]);
        node.Receive(Given.Heartbeat(from: 1, to: 2, term: Limit + 1));
        Assert.Equal(Term, node.Core!.Term.Value);
        node.Receive(Given.Heartbeat(from: 1, to: 2, term: Limit));
        Assert.Equal(Limit, node.Core!.Term.Value);
    }

    /// <summary>Whatever terms a stranger sends, in whatever order: no message raises the term by more than the limit.</summary>
    [Fact]
    public void No_message_raises_the_term_by_more_than_the_limit() =>
        Gen.ULong.Array[1, 20].Sample(
            terms =>
            {
                var node = Given.Follower(id: 2, term: Term, log: [1]);
                foreach (var term in terms)
                {
                    var before = node.Core!.Term.Value;
                    node.Receive(Given.Heartbeat(from: 1, to: 2, term));
                    if (node.Core.Term.Value - before > RaftCore.TermsAheadMax)
                        return false;
                }

                return true;
            },
            iter: TestEffort.Of(2000), threads: 1);
}
