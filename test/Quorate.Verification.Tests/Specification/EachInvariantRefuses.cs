using Quorate.Raft;
using Quorate.Verification.Specification;

namespace Quorate.Verification.Tests.Specification;

/// <summary>A state in which all is well, and for each invariant of the twin that state with one thing wrong: it refuses that, by its name.</summary>
public sealed class EachInvariantRefuses
{
    private static readonly string Configuration = File.ReadAllText(Path.Combine(TheTwinCountsAsTlcDoes.Folder(), "MCReads.cfg"));

    private static readonly QuorateRaft Raft = new(TlcConfiguration.Read(Configuration));

    /// <summary>Server 0 leads term 1; all hold its entry, which is committed.</summary>
    private static readonly SpecificationState Good = Raft.Elected();

    private static readonly SpecLog Empty = Good.Servers[0].Log.Prefix(0);

    private static readonly (string Invariant, Func<SpecificationState> Bad)[] Now =
    [
        ("LogPointers", static () => Server(1, static s => s with { Commit = 2 })),
        ("LogPointers", static () => Server(1, static s => s with { Snapshot = 1, Commit = 0 })),
        ("LogTermsBounded", static () => Server(1, static s => s with { Term = 0 })),
        ("LogTermsBounded", static () => Server(1, static s => s with { Term = 2, Log = Empty.Append(new SpecEntry(2)).Append(new SpecEntry(1)), Commit = 0 })),
        ("LeaderVotedForItself", static () => Server(0, static s => s with { Vote = 1 })),
        ("LeaderWroteItsNoOp", static () => Server(0, static s => s with { Term = 2 })),
        ("ElectionSafety", static () => Good.With(1, Good.TermLogOf(1) with { Leaders = ServerSet.Of(0, 1) })),
        ("OneVoteATerm", static () => Server(1, static s => s with { Disk = s.Disk with { Term = 2 } }) with { Messages = Good.Messages.Add(SpecMessage.Vote(1, 2, 1)) }),
        ("LogMatching", static () => Good.With(1, Holding(Good.Servers[1], 1, 2)).With(2, Holding(Good.Servers[2], 2, 2))),
        ("StateMachineSafety", static () => Server(1, static s => Holding(s, 2) with { Commit = 1 })),
        ("LeaderCompleteness", static () => Good.With(2, new TermLog(ServerSet.Of(1), Empty, 0, 0, 0))),
        ("DurableOnQuorum", static () => Server(0, static s => s with { Disk = s.Disk with { Log = Empty } }).With(1, Good.Servers[1] with { Disk = new DiskImage(2, 0, Empty, 0) })),
        ("PromisesAreDurable", static () => Server(1, static s => s with { Disk = s.Disk with { Term = 0 } })),
        ("PromisesAreDurable", static () => Server(1, static s => s with { Disk = s.Disk with { Vote = 2 } })),
        ("PromisesAreDurable", static () => Server(1, static s => s with { Disk = s.Disk with { Log = Empty } })),
        ("NoStaleRead", static () => Good with { Granted = [new GrantedRead(0, 1)] }),
    ];

    private static readonly (string Invariant, Func<SpecificationState> Bad)[] Next =
    [
        ("LeaderAppendOnly", static () => Good.With(1, Good.TermLogOf(1) with { Log = Empty })),
        ("MonotonicTerm", static () => Server(1, static s => s with { Term = 0 })),
        ("MonotonicTerm", static () => Restarted(static s => s with { Term = 0 })),
        ("MonotonicCommit", static () => Server(1, static s => s with { Commit = 0 })),
    ];

    public static TheoryData<int, string> States => [.. Now.Select(static (one, i) => (i, one.Invariant))];

    public static TheoryData<int, string> Steps => [.. Next.Select(static (one, i) => (i, one.Invariant))];

    [Fact]
    public void Where_all_is_well_none_refuses()
    {
        Raft.CheckState(Good);
        QuorateRaft.CheckTransition(Good, Good);
        QuorateRaft.CheckTransition(Good, Restarted(static s => s with { Commit = 0 }));
    }

    [Theory]
    [MemberData(nameof(States))]
    public void A_state_in_which_it_does_not_hold(int which, string invariant) => Refuses(invariant, () => Raft.CheckState(Now[which].Bad()));

    [Theory]
    [MemberData(nameof(Steps))]
    public void A_step_over_which_it_does_not_hold(int which, string invariant) => Refuses(invariant, () => QuorateRaft.CheckTransition(Good, Next[which].Bad()));

    /// <summary>What TLC checks, the twin checks, and it is seen to.</summary>
    [Fact]
    public void None_is_left_out()
    {
        var (from, to) = (Configuration.IndexOf("INVARIANTS", StringComparison.Ordinal), Configuration.IndexOf("CHECK_DEADLOCK", StringComparison.Ordinal));
        var checkedByTlc = Configuration[from..to].Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Except(["INVARIANTS", "PROPERTIES"]);

        Assert.Equal(checkedByTlc.Order(), Now.Concat(Next).Select(static one => one.Invariant).Distinct().Order());
    }

    private static void Refuses(string invariant, Action check) =>
        Assert.EndsWith($", yet {invariant}", Assert.Throws<InvariantViolationException>(check).Message, StringComparison.Ordinal);

    private static SpecificationState Server(int i, Func<SpecServer, SpecServer> change) => Good.With(i, change(Good.Servers[i]));

    private static SpecificationState Restarted(Func<SpecServer, SpecServer> change) => Server(1, change) with { Spent = Good.Spent with { Restarts = 1 } };

    /// <summary>With a log of entries of these terms, none of them committed.</summary>
    private static SpecServer Holding(SpecServer server, params ReadOnlySpan<int> terms)
    {
        var log = Empty;
        foreach (var term in terms)
            log = log.Append(new SpecEntry(term));
        return server with { Term = log.Last.Term, Log = log, Commit = 0 };
    }
}
