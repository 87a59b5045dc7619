using Quorate.Raft;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Tests.Specification;

/// <summary>
/// Refinement: every step of every Raft core in a simulated cluster is zero, one or several steps of spec/QuorateRaft.tla.
/// </summary>
public sealed class RefinementTests
{
    [Fact]
    public void Every_step_of_simulated_clusters_refines_the_specification()
    {
        for (var seed = 1UL; seed <= (ulong)TestEffort.Of(40); seed++)
            KvSimulation.Run(seed, new RunOptions { Refine = true });
    }

    /// <summary>Runs that revealed an error in the specification.</summary>
    [Theory]
    [InlineData(2)] // A candidate's term survives a crash that precedes its vote requests; after the restart its rejections carry the term.
    [InlineData(266)] // A vote survives a crash before its reply was sent; the candidate requests again and gets the reply.
    public void A_seed_that_once_failed_refinement_passes(ulong seed) => KvSimulation.Run(seed, new RunOptions { Refine = true });

    [Fact]
    public void Refinement_rejects_a_vote_without_a_request()
    {
        var (core, refinement) = CreateCoreAndRefinement();
        var request = new RequestVote { From = new NodeId(2), To = core.Self, Term = new Term(1) };

        var violation = Assert.Throws<ViolationException>(() => Step(core, refinement, Input.Received(request)));

        Assert.Contains("TryAdoptTerm, which is not enabled", violation.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refinement_rejects_a_candidate_without_pre_votes()
    {
        var (core, refinement) = CreateCoreAndRefinement();
        while (core.Role != Role.PreCandidate)
            Step(core, refinement, Input.Tick);
        var granted = new RequestVoteReply { From = new NodeId(2), To = core.Self, Term = new Term(1), PreVote = true, Granted = true };

        var violation = Assert.Throws<ViolationException>(() => Step(core, refinement, Input.Received(granted)));

        Assert.Contains("BecomeCandidate, which is not enabled", violation.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refinement_rejects_a_start_from_a_state_no_crash_leaves()
    {
        var (_, refinement) = CreateCoreAndRefinement();
        var another = new RaftCore(
            new RaftOptions { Self = new NodeId(1), Seed = 1 },
            new DurableState { Configuration = ThreeVoters, HardState = new HardState(new Term(7), NodeId.None) });

        Assert.Contains("no crash leaves", Assert.Throws<ViolationException>(() => refinement.OnStart(another)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Refinement_rejects_a_read_that_no_leader_granted()
    {
        var (core, refinement) = CreateCoreAndRefinement();
        var effects = new Effects();
        core.Step(Input.Read(1), effects);
        effects.ReadResults.Add(new ReadIndexResult(1, LogIndex.Zero, RejectReason: null));

        var violation = Assert.Throws<ViolationException>(() => refinement.OnStep(core, Input.Read(1), effects));

        Assert.Contains("no leader has granted that", violation.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Refinement_rejects_a_second_result_of_a_read()
    {
        var (core, refinement) = CreateCoreAndRefinement();
        var effects = new Effects();
        core.Step(Input.Read(1), effects);
        effects.ReadResults.Add(new ReadIndexResult(1, LogIndex.Zero, RejectReason.Busy));
        refinement.OnStep(core, Input.Read(1), effects);

        var violation = Assert.Throws<ViolationException>(() => refinement.OnStep(core, Input.Tick, effects));

        Assert.Contains("OneReadResult, read 1 completes, but is not pending", violation.Message, StringComparison.Ordinal);
    }

    /// <summary>A new type of message fails this test until the specification contains it or decision 0015 explains why not.</summary>
    [Fact]
    public void Refinement_handles_every_message_type()
    {
        var (core, refinement) = CreateCoreAndRefinement();
        foreach (var kind in typeof(Message).Assembly.GetTypes().Where(static type => type.IsSubclassOf(typeof(Message))))
        {
            var message = (Message)Activator.CreateInstance(kind)!;
            (message.From, message.To) = (core.Self, new NodeId(2));
            Assert.DoesNotContain("no such kind of message",
                Record.Exception(() => refinement.CheckSent(core, message, token: 0))?.Message ?? "", StringComparison.Ordinal);
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
