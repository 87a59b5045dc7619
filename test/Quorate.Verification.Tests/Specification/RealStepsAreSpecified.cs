using Quorate.Raft;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Tests.Specification;

/// <summary>Refinement: every step of every real core in a simulated cluster is a step of spec/QuorateRaft.tla, or several, or none.</summary>
public sealed class RealStepsAreSpecified
{
    [Fact]
    public void Every_step_of_simulated_clusters_is_specified()
    {
        for (var seed = 1UL; seed <= 40; seed++)
            KvSimulation.Run(seed, new RunOptions { Refine = true });
    }

    /// <summary>Runs from which the specification learnt something.</summary>
    [Theory]
    [InlineData(2)] // A candidate's term survives a crash before its request for votes has left; the next life's refusals tell the term.
    [InlineData(266)] // A vote survives a crash before it was said; the candidate asks again and is told.
    public void Every_step_of_a_run_that_once_was_not_specified_is(ulong seed) => KvSimulation.Run(seed, new RunOptions { Refine = true });

    [Fact]
    public void A_vote_for_somebody_who_never_asked_is_refused()
    {
        var (core, refinement) = Beside();
        var request = new RequestVote { From = new NodeId(2), To = core.Self, Term = new Term(1) };

        var refused = Assert.Throws<ViolationException>(() => Step(core, refinement, Input.Received(request)));

        Assert.Contains("TryAdoptTerm, that is not enabled", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_candidate_that_nobody_said_yes_to_is_refused()
    {
        var (core, refinement) = Beside();
        while (core.Role != Role.PreCandidate)
            Step(core, refinement, Input.Tick);
        var yes = new RequestVoteReply { From = new NodeId(2), To = core.Self, Term = new Term(1), PreVote = true, Granted = true };

        var refused = Assert.Throws<ViolationException>(() => Step(core, refinement, Input.Received(yes)));

        Assert.Contains("BecomeCandidate, that is not enabled", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_core_that_starts_from_what_no_crash_leaves_is_refused()
    {
        var (_, refinement) = Beside();
        var another = new RaftCore(
            new RaftOptions { Self = new NodeId(1), Seed = 1 },
            new DurableState { Configuration = Three, HardState = new HardState(new Term(7), NodeId.None) });

        Assert.Contains("no crash leaves", Assert.Throws<ViolationException>(() => refinement.OnStart(another)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_follower_that_lets_a_read_through_by_itself_is_refused()
    {
        var (core, refinement) = Beside();
        var effects = new Effects();
        core.Step(Input.Read(1), effects);
        effects.ReadResults.Add(new ReadIndexResult(1, LogIndex.Zero, RejectReason: null));

        var refused = Assert.Throws<ViolationException>(() => refinement.OnStep(core, Input.Read(1), effects));

        Assert.Contains("no leader has granted that", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_read_that_is_answered_twice_is_refused()
    {
        var (core, refinement) = Beside();
        var effects = new Effects();
        core.Step(Input.Read(1), effects);
        effects.ReadResults.Add(new ReadIndexResult(1, LogIndex.Zero, RejectReason.Busy));
        refinement.OnStep(core, Input.Read(1), effects);

        var refused = Assert.Throws<ViolationException>(() => refinement.OnStep(core, Input.Tick, effects));

        Assert.Contains("OneAnswer, read 1 is answered, and nobody waits for it", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A new kind of message is not passed over: either the specification has it, or decision 0015 says why not.</summary>
    [Fact]
    public void Every_kind_of_message_is_known()
    {
        var (core, refinement) = Beside();
        foreach (var kind in typeof(Message).Assembly.GetTypes().Where(static type => type.IsSubclassOf(typeof(Message))))
        {
            var message = (Message)Activator.CreateInstance(kind)!;
            (message.From, message.To) = (core.Self, new NodeId(2));
            Assert.DoesNotContain("nothing of the kind", Record.Exception(() => refinement.CheckSent(core, message, token: 0))?.Message ?? "", StringComparison.Ordinal);
        }
    }

    private static Configuration Three => new([new NodeId(1), new NodeId(2), new NodeId(3)]);

    private static (RaftCore Core, Refinement Refinement) Beside()
    {
        var core = new RaftCore(new RaftOptions { Self = new NodeId(1), Seed = 1 }, new DurableState { Configuration = Three });
        var refinement = new Refinement(Three);
        refinement.OnStart(core);
        return (core, refinement);
    }

    private static void Step(RaftCore core, Refinement refinement, Input input)
    {
        var effects = new Effects();
        core.Step(input, effects);
        refinement.OnStep(core, input, effects);
    }
}
