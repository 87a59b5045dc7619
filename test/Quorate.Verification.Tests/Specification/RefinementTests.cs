using Quorate.Raft;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Tests.Specification;

/// <summary>Refinement: every step of every real core in a simulated cluster is a step of spec/QuorateRaft.tla, or several, or none.</summary>
public sealed class RefinementTests
{
    [Fact]
    public void Every_step_of_simulated_clusters_refines_the_specification()
    {
        for (var seed = 1UL; seed <= 40; seed++)
            KvSimulation.Run(seed, new RunOptions { Refine = true });
    }

    /// <summary>Runs from which the specification learnt something.</summary>
    [Theory]
    [InlineData(2)] // A candidate's term survives a crash before its request for votes has left; the next life's refusals tell the term.
    [InlineData(266)] // A vote survives a crash before it was said; the candidate asks again and is told.
    public void A_seed_that_once_failed_refinement_passes(ulong seed) => KvSimulation.Run(seed, new RunOptions { Refine = true });

    [Fact]
    public void Refinement_rejects_a_vote_without_a_request()
    {
        var (core, refinement) = CreateCoreAndRefinement();
        var request = new RequestVote { From = new NodeId(2), To = core.Self, Term = new Term(1) };

        var refused = Assert.Throws<ViolationException>(() => Step(core, refinement, Input.Received(request)));

        Assert.Contains("TryAdoptTerm, that is not enabled", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refinement_rejects_a_candidate_without_pre_votes()
    {
        var (core, refinement) = CreateCoreAndRefinement();
        while (core.Role != Role.PreCandidate)
            Step(core, refinement, Input.Tick);
        var yes = new RequestVoteReply { From = new NodeId(2), To = core.Self, Term = new Term(1), PreVote = true, Granted = true };

        var refused = Assert.Throws<ViolationException>(() => Step(core, refinement, Input.Received(yes)));

        Assert.Contains("BecomeCandidate, that is not enabled", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refinement_rejects_a_start_from_a_state_no_crash_leaves()
    {
        var (_, refinement) = CreateCoreAndRefinement();
        var another = new RaftCore(
            new RaftOptions { Self = new NodeId(1), Seed = 1 },
            new DurableState { Configuration = ThreeVoters, HardState = new HardState(new Term(7), NodeId.None) });

        Assert.Contains("no crash leaves", Assert.Throws<ViolationException>(() => refinement.OnStart(another)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refinement_rejects_a_read_that_no_leader_granted()
    {
        var (core, refinement) = CreateCoreAndRefinement();
        var effects = new Effects();
        core.Step(Input.Read(1), effects);
        effects.ReadResults.Add(new ReadIndexResult(1, LogIndex.Zero, RejectReason: null));

        var refused = Assert.Throws<ViolationException>(() => refinement.OnStep(core, Input.Read(1), effects));

        Assert.Contains("no leader has granted that", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refinement_rejects_a_second_result_of_a_read()
    {
        var (core, refinement) = CreateCoreAndRefinement();
        var effects = new Effects();
        core.Step(Input.Read(1), effects);
        effects.ReadResults.Add(new ReadIndexResult(1, LogIndex.Zero, RejectReason.Busy));
        refinement.OnStep(core, Input.Read(1), effects);

        var refused = Assert.Throws<ViolationException>(() => refinement.OnStep(core, Input.Tick, effects));

        Assert.Contains("OneAnswer, read 1 is answered, and nobody waits for it", refused.Message, StringComparison.Ordinal);
    }

    /// <summary>A new kind of message is not passed over: either the specification has it, or decision 0015 says why not.</summary>
    [Fact]
    public void Refinement_handles_every_message_type()
    {
        var (core, refinement) = CreateCoreAndRefinement();
        foreach (var kind in typeof(Message).Assembly.GetTypes().Where(static type => type.IsSubclassOf(typeof(Message))))
        {
            var message = (Message)Activator.CreateInstance(kind)!;
            (message.From, message.To) = (core.Self, new NodeId(2));
            Assert.DoesNotContain("nothing of the kind", Record.Exception(() => refinement.CheckSent(core, message, token: 0))?.Message ?? "", StringComparison.Ordinal);
        }
    }

    private static Configuration ThreeVoters => new([new NodeId(1), new NodeId(2), new NodeId(3)]);

    private static (RaftCore Core, Refinement Refinement) CreateCoreAndRefinement()
    {
        var core = new RaftCore(new RaftOptions { Self = new NodeId(1), Seed = 1 }, new DurableState { Configuration = ThreeVoters });
        var refinement = new Refinement(ThreeVoters);
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
