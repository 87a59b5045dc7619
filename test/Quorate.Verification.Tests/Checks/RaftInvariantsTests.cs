using System.Runtime.CompilerServices;
using Quorate.Raft;

namespace Quorate.Verification.Tests.Checks;

/// <summary>
/// Each invariant of <see cref="RaftInvariants"/> accepts a valid core or cluster and rejects one with a single fault, by the invariant's
/// name.
/// </summary>
public sealed class RaftInvariantsTests
{
    private static readonly NodeId A = new(1);
    private static readonly NodeId B = new(2);
    private static readonly NodeId C = new(3);

    private static readonly CoreState LeaderState =
        CoreState.Of(Follower(A, 1, 1, 2)) with { VotedFor = A, Role = Role.Leader, Leader = A };

    [Theory]
    [InlineData("LogPointers", 0)]
    [InlineData("LogPointers", 1)]
    [InlineData("LogPointers", 2)]
    [InlineData("LogPointers", 3)]
    [InlineData("LogTermsBounded", 4)]
    [InlineData("LeaderKnowsItself", 5)]
    [InlineData("LeaderVotedForItself", 6)]
    [InlineData("LeaderWroteItsNoOp", 7)]
    [InlineData("OnlyLeadersLead", 8)]
    [InlineData("CandidateVotedForItself", 9)]
    [InlineData("CandidatesKnowNoLeader", 10)]
    [InlineData("CandidatesKnowNoLeader", 11)]
    [InlineData("TailIsCached", 12)]
    public void Each_state_invariant_rejects_a_violating_core(string invariant, int fault)
    {
        var core = fault is >= 5 and <= 7 ? Leader() : Follower(A, 1, 1, 2);
        if (fault is 9 or 10)
            (RoleOf(core), VoteOf(core), LeaderOf(core)) = (Role.Candidate, A, NodeId.None);
        if (fault == 11)
            (RoleOf(core), LeaderOf(core)) = (Role.PreCandidate, NodeId.None);
        RaftInvariants.CheckState(core);

        switch (fault)
        {
            case 0: AppliedOf(core) = ApplyingOf(core) + 1; break;
            case 1: ApplyingOf(core) = core.CommitIndex + 1; break;
            case 2: CommitOf(core) = core.LastIndex + 1; break;
            case 3: AppliedOf(core) = CommitOf(core) + 1; break;
            case 4: TermOf(core) = new Term(1); break;
            case 5: LeaderOf(core) = B; break;
            case 6: VoteOf(core) = B; break;
            case 7: TermOf(core) = new Term(core.Term.Value + 1); break;
            case 8: LeaderOf(core) = A; break;
            case 9: VoteOf(core) = B; break;
            case 12: CommitOf(core) = ApplyingOf(core) = AppliedOf(core) = LogIndex.Zero; break;
            default: LeaderOf(core) = B; break;
        }

        AssertViolates(invariant, () => RaftInvariants.CheckState(core));
    }

    private static readonly (string Invariant, CoreState After)[] ViolatingTransitions =
    [
        ("MonotonicTerm", LeaderState with { Term = new Term(1) }),
        ("MonotonicCommit", LeaderState with { Commit = LogIndex.Zero }),
        ("MonotonicApplied", LeaderState with { Applied = LogIndex.Zero }),
        ("OneVoteATerm", LeaderState with { VotedFor = B }),
        ("OneLeaderATerm", LeaderState with { Role = Role.Follower, Leader = B }),
        ("LeaderAppendOnly", LeaderState with { Last = LeaderState.Last - 1 }),
    ];

    public static TheoryData<int, string> TransitionInvariants => [.. ViolatingTransitions.Select(static (step, i) => (i, step.Invariant))];

    [Theory]
    [MemberData(nameof(TransitionInvariants))]
    public void Each_transition_invariant_rejects_a_violating_transition(int which, string invariant)
    {
        RaftInvariants.CheckTransition(LeaderState, LeaderState);
        AssertViolates(invariant, () => RaftInvariants.CheckTransition(LeaderState, ViolatingTransitions[which].After));
    }

    [Fact]
    public void ElectionSafety_rejects_two_leaders_in_one_term()
    {
        var other = Follower(B, 1, 1, 2);
        var leader = Leader();
        RaftInvariants.CheckCluster([leader, other]);

        (RoleOf(other), TermOf(other)) = (Role.Leader, leader.Term);
        AssertViolates("ElectionSafety", () => RaftInvariants.CheckCluster([leader, other]));
    }

    [Fact]
    public void LogMatching_rejects_logs_that_agree_at_an_index_but_not_below()
    {
        RaftInvariants.CheckCluster([Follower(A, 0, 1, 2), Follower(B, 0, 1, 2)]);
        AssertViolates("LogMatching", () => RaftInvariants.CheckCluster([Follower(A, 0, 1, 2), Follower(B, 0, 2, 2)]));
    }

    [Fact]
    public void StateMachineSafety_rejects_two_entries_committed_at_one_index()
    {
        RaftInvariants.CheckCluster([Follower(A, 1, 1, 2), Follower(B, 0, 2, 3)]);
        AssertViolates("StateMachineSafety", () => RaftInvariants.CheckCluster([Follower(A, 1, 1, 2), Follower(B, 1, 2, 3)]));
    }

    private static void AssertViolates(string invariant, Action check) =>
        Assert.Contains($"; expected: {invariant}", Assert.Throws<InvariantViolationException>(check).Message, StringComparison.Ordinal);

    /// <summary>
    /// A core with one entry for each of <paramref name="terms"/>, the first <paramref name="committed"/> of them committed.
    /// </summary>
    private static RaftCore Follower(NodeId self, int committed, params int[] terms)
    {
        var entries = terms.Select(
            static (term, i) =>
                new LogEntry(new EntryId(new Term((ulong)term), new LogIndex((ulong)i + 1)), EntryKind.NoOp, default, default)).ToArray();
        return new RaftCore(new RaftOptions { Self = self, Seed = 1 }, new DurableState
        {
            Configuration = new Configuration([A, B, C]),
            HardState = new HardState(entries[^1].Term, NodeId.None),
            TermStarts = [
                .. entries.Take(committed).Where((entry, i) => i == 0 || entry.Term != entries[i - 1].Term)
                .Select(static entry => entry.Id)],
            Commit = new LogIndex((ulong)committed),
            Tail = entries[committed..],
            Last = entries[^1].Id,
        });
    }

    private static RaftCore Leader()
    {
        var core = Follower(A, 1, 1, 2);
        (RoleOf(core), VoteOf(core), LeaderOf(core)) = (Role.Leader, A, A);
        return core;
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_role")]
    private static extern ref Role RoleOf(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_term")]
    private static extern ref Term TermOf(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_votedFor")]
    private static extern ref NodeId VoteOf(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_leader")]
    private static extern ref NodeId LeaderOf(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_commit")]
    private static extern ref LogIndex CommitOf(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_applyingIndex")]
    private static extern ref LogIndex ApplyingOf(RaftCore core);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_applied")]
    private static extern ref LogIndex AppliedOf(RaftCore core);
}
