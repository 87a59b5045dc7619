namespace Quorate.Raft.Tests.Rules;

/// <summary>
/// A member that has lost entries it had acknowledged neither votes nor campaigns until it holds a committed entry of a later term
/// (decision 0043).
/// </summary>
public sealed class RepairTests
{
    private readonly Effects _effects = new();

    /// <summary>Member 1 acknowledged entries in term 3, and has lost all of them.</summary>
    private readonly RaftCore _core = new(Given.Options(1), new DurableState
    {
        HardState = new HardState(new Term(3), Given.Node(2)).AfterLoss(),
        Configuration = Given.Voters(3),
    });

    [Fact]
    public void It_enters_the_next_term_and_so_deposes_the_leader_to_which_it_acknowledged_them()
    {
        Assert.Equal((new Term(4), NodeId.None, true), (_core.Term, _core.VotedFor, _core.IsRepairing));

        Receive(Given.Append(from: 2, to: 1, term: 3, (3, 9), [3], commit: 9));

        Assert.Equal(new Term(4), Assert.Single(_effects.SendNow.Messages).Term);
    }

    [Fact]
    public void It_grants_neither_a_pre_vote_nor_a_vote()
    {
        foreach (var preVote in new[] { true, false })
        {
            var request = new RequestVote
            {
                From = Given.Node(2), To = Given.Node(1), PreVote = preVote, Term = new Term(5), LastEntry = Given.Id((3, 9)),
            };
            Receive(request);

            Assert.False(Assert.IsType<RequestVoteReply>(Assert.Single(Sent())).Granted);
            Assert.Equal(NodeId.None, _core.VotedFor);
        }
    }

    [Fact]
    public void It_states_in_its_replies_that_it_does_not_vote()
    {
        Receive(Given.Append(from: 2, to: 1, term: 4, (0, 0), [], commit: 0));

        Assert.True(Assert.IsType<AppendEntriesReply>(Assert.Single(Sent())).IsRepairing);
    }

    [Fact]
    public void It_does_not_campaign_when_it_receives_nothing_or_is_asked_to()
    {
        for (var tick = 0; tick < 10 * Given.ElectionTicks; tick++)
            Step(Input.Tick);
        Assert.Equal(Role.Follower, _core.Role);

        Receive(Given.Append(from: 2, to: 1, term: 4, (0, 0), [3], commit: 0));
        Receive(new TimeoutNow { From = Given.Node(2), To = Given.Node(1), Term = new Term(4), LastIndex = Given.At(1) });

        Assert.Equal(Role.Follower, _core.Role);
    }

    /// <summary>
    /// Entries of the old terms are not enough, even committed ones: the leader of the old term may count on others that were acknowledged
    /// to it. And what is not on the disk may be lost once more.
    /// </summary>
    [Fact]
    public void It_ends_when_an_entry_of_a_later_term_is_committed_and_on_the_disk()
    {
        Receive(Given.Append(from: 3, to: 1, term: 5, (0, 0), [2, 3, 3], commit: 3));
        Step(Input.Durable(_effects.Append.Token));
        Assert.True(_core.IsRepairing);

        Receive(Given.Append(from: 3, to: 1, term: 5, (3, 3), [5], commit: 3));
        var append = _effects.Append.Token;
        Receive(Given.Append(from: 3, to: 1, term: 5, (5, 4), [], commit: 4));
        Assert.True(_core.IsRepairing);

        Step(Input.Durable(append));

        Assert.False(_core.IsRepairing);
        Assert.Equal(new HardState(new Term(5), NodeId.None), _effects.Append.HardState);
        Assert.Contains(_effects.Trace, static e => e.Kind == TraceKind.Repaired);
    }

    /// <summary>Its vote is not sent before the end of the repair is on the disk: after a crash it would be repairing again.</summary>
    [Fact]
    public void It_votes_again_when_the_end_of_the_repair_is_on_the_disk()
    {
        Receive(Given.Append(from: 3, to: 1, term: 5, (0, 0), [3, 5], commit: 2));
        Step(Input.Durable(_effects.Append.Token));
        var repaired = _effects.Append.Token;
        for (var tick = 0; tick < Given.ElectionTicks; tick++)
            Step(Input.Tick);

        Receive(new RequestVote
        {
            From = Given.Node(2), To = Given.Node(1), Term = new Term(6), LastEntry = Given.Id((5, 2)),
        });

        Assert.Equal(Given.Node(2), _core.VotedFor);
        Assert.Empty(_effects.SendNow.Messages);
        Assert.True(_effects.Append.Token > repaired);
        Assert.Equal(Term.Zero, _effects.Append.HardState!.Value.RepairTerm);
    }

    [Fact]
    public void A_restart_continues_the_repair()
    {
        Receive(Given.Append(from: 3, to: 1, term: 5, (0, 0), [3], commit: 1));

        var saved = _effects.Append.HardState!.Value;

        Assert.Equal((new Term(5), new Term(3)), (saved.Term, saved.RepairTerm));
    }

    private IEnumerable<Message> Sent() => _effects.SendNow.Messages.Concat(_effects.SendWhenDurable.Messages);

    private void Receive(Message message) => Step(Input.Received(message));

    private void Step(in Input input) => _core.Step(input, _effects);
}
