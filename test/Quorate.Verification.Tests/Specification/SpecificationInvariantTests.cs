using Quorate.Raft;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Tests.Specification;

/// <summary>
/// Each invariant of the executable specification accepts a valid state and rejects one with a single fault, by its name.
/// </summary>
public sealed class SpecificationInvariantTests
{
    private static readonly string Configuration = File.ReadAllText(Path.Combine(SpecificationModelTests.SpecDirectory(), "MCReads.cfg"));

    private static readonly QuorateRaftSpecification Raft = new(TlcConfiguration.Read(Configuration));

    /// <summary>Server 0 leads term 1; every server holds its entry, which is committed.</summary>
    private static readonly SpecificationState ValidState = Raft.Elected();

    private static readonly SpecLog Empty = ValidState.Servers[0].Log.Prefix(0);

    private static readonly (string Invariant, Func<SpecificationState> Bad)[] ViolatingStates =
    [
        ("LogPointers", static () => Server(1, static s => s with { Commit = 2 })),
        ("LogPointers", static () => Server(1, static s => s with { Snapshot = 1, Commit = 0 })),
        ("LogTermsBounded", static () => Server(1, static s => s with { Term = 0 })),
        ("LogTermsBounded",
            static () =>
                Server(1, static s => s with { Term = 2, Log = Empty.Append(new SpecEntry(2)).Append(new SpecEntry(1)), Commit = 0 })),
        ("LeaderVotedForItself", static () => Server(0, static s => s with { Vote = 1 })),
        ("LeaderWroteItsNoOp", static () => Server(0, static s => s with { Term = 2 })),
        ("ElectionSafety", static () => ValidState.With(1, ValidState.TermLogOf(1) with { Leaders = ServerSet.Of(0, 1) })),
        ("OneVoteATerm",
            static () =>
                Server(1, static s => s with { Disk = s.Disk with { Term = 2 } })
                with { Messages = ValidState.Messages.Add(SpecMessage.Vote(1, 2, 1)) }),
        ("LogMatching",
            static () => ValidState.With(1, WithLog(ValidState.Servers[1], 1, 2)).With(2, WithLog(ValidState.Servers[2], 2, 2))),
        ("StateMachineSafety", static () => Server(1, static s => WithLog(s, 2) with { Commit = 1 })),
        ("LeaderCompleteness", static () => ValidState.With(2, new SpecTermLog(ServerSet.Of(1), Empty, 0, 0))),
        ("DurableOnQuorum",
            static () => Server(0, static s => s with { Disk = s.Disk with { Log = Empty } })
            .With(1, ValidState.Servers[1] with { Disk = new SpecDiskImage(2, 0, Empty) })),
        ("SentStateIsDurable", static () => Server(1, static s => s with { Disk = s.Disk with { Term = 0 } })),
        ("SentStateIsDurable", static () => Server(1, static s => s with { Disk = s.Disk with { Vote = 2 } })),
        ("SentStateIsDurable", static () => Server(1, static s => s with { Disk = s.Disk with { Log = Empty } })),
        ("NoStaleRead", static () => ValidState with { Granted = [new SpecGrantedRead(0, 1)] }),
    ];

    private static readonly (string Invariant, Func<SpecificationState> Bad)[] ViolatingSteps =
    [
        ("LeaderAppendOnly", static () => ValidState.With(1, ValidState.TermLogOf(1) with { Log = Empty })),
        ("MonotonicTerm", static () => Server(1, static s => s with { Term = 0 })),
        ("MonotonicTerm", static () => Restarted(static s => s with { Term = 0 })),
        ("MonotonicCommit", static () => Server(1, static s => s with { Commit = 0 })),
    ];

    public static TheoryData<int, string> StateInvariants => [.. ViolatingStates.Select(static (one, i) => (i, one.Invariant))];

    public static TheoryData<int, string> StepInvariants => [.. ViolatingSteps.Select(static (one, i) => (i, one.Invariant))];

    [Fact]
    public void A_valid_state_satisfies_every_invariant()
    {
        Raft.CheckState(ValidState);
        QuorateRaftSpecification.CheckTransition(ValidState, ValidState);
        QuorateRaftSpecification.CheckTransition(ValidState, Restarted(static s => s with { Commit = 0 }));
    }

    [Theory]
    [MemberData(nameof(StateInvariants))]
    public void Each_state_invariant_rejects_a_violating_state(int which, string invariant) =>
        AssertViolates(invariant, () => Raft.CheckState(ViolatingStates[which].Bad()));

    [Theory]
    [MemberData(nameof(StepInvariants))]
    public void Each_step_invariant_rejects_a_violating_step(int which, string invariant) =>
        AssertViolates(invariant, () => QuorateRaftSpecification.CheckTransition(ValidState, ViolatingSteps[which].Bad()));

    /// <summary>The executable specification checks every invariant that TLC checks, and each has a test here.</summary>
    [Fact]
    public void Every_invariant_checked_by_TLC_is_tested()
    {
        var (from, to) = (Configuration.IndexOf("INVARIANTS", StringComparison.Ordinal),
            Configuration.IndexOf("CHECK_DEADLOCK", StringComparison.Ordinal));
        var checkedByTlc = Configuration[from..to].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .Except(["INVARIANTS", "PROPERTIES"]);

        Assert.Equal(checkedByTlc.Order(), ViolatingStates.Concat(ViolatingSteps).Select(static one => one.Invariant).Distinct().Order());
    }

    private static void AssertViolates(string invariant, Action check) =>
        Assert.EndsWith($"; expected: {invariant}", Assert.Throws<InvariantViolationException>(check).Message, StringComparison.Ordinal);

    private static SpecificationState Server(int i, Func<SpecServer, SpecServer> change) =>
        ValidState.With(i, change(ValidState.Servers[i]));

    private static SpecificationState Restarted(Func<SpecServer, SpecServer> change) =>
        Server(1, change) with { Spent = ValidState.Spent with { Restarts = 1 } };

    /// <summary>The server with a log of entries of these terms, none of them committed.</summary>
    private static SpecServer WithLog(SpecServer server, params ReadOnlySpan<int> terms)
    {
        var log = Empty;
        foreach (var term in terms)
            log = log.Append(new SpecEntry(term));
        return server with { Term = log.Last.Term, Log = log, Commit = 0 };
    }
}
