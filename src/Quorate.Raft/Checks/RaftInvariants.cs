namespace Quorate.Raft;

/// <summary>
/// The invariants of the protocol: in every state of a core, between two consecutive states, and across a cluster. The core checks the
/// first after every step, in production too; the simulator checks all three. The specification uses the same names.
/// </summary>
/// <remarks>Source: paper Fig. 3; for the indexes of the log, docs/protocol/replication.md.</remarks>
public static class RaftInvariants
{
    /// <summary>Checks the invariants of one core.</summary>
    public static void CheckState(RaftCore core)
    {
        // LogPointers
        Invariant.That(core.CompactedIndex <= core.SnapshotIndex, "LogPointers");
        Invariant.That(core.SnapshotIndex <= core.ApplyingIndex, "LogPointers");
        Invariant.That(core.CompactedIndex <= core.DurableIndex, "LogPointers");
        Invariant.That(core.AppliedIndex <= core.ApplyingIndex, "LogPointers");
        Invariant.That(core.ApplyingIndex <= core.CommitIndex, "LogPointers");
        Invariant.That(core.CommitIndex <= core.LastIndex, "LogPointers");
        Invariant.That(core.DurableIndex <= core.LastIndex, "LogPointers");

        // TailIsCached: an entry that is not durable here cannot be read back from the disk, and one that is not committed may be replaced.
        // A leader commits what a quorum of the others holds, so the commit index may be ahead of its own disk.
        Invariant.That(core.CachedFirst <= LogIndex.Min(core.CommitIndex, core.DurableIndex) + 1, "TailIsCached");

        // LogTermsBounded
        Invariant.That(core.LastTerm <= core.Term, "LogTermsBounded: no entry has a later term than the node");

        if (core.Role == Role.Leader)
        {
            Invariant.That(core.Leader == core.Self, "LeaderKnowsItself");
            Invariant.That(core.VotedFor == core.Self, "LeaderVotedForItself");
            Invariant.That(core.LastTerm == core.Term, "LeaderWroteItsNoOp");
            core.CheckFollowers();
        }
        else
        {
            Invariant.That(core.Leader != core.Self, "OnlyLeadersLead");
        }

        if (core.Role == Role.Candidate)
            Invariant.That(core.VotedFor == core.Self, "CandidateVotedForItself");
        if (core.Role is Role.Candidate or Role.PreCandidate)
            Invariant.That(core.Leader == NodeId.None, "CandidatesKnowNoLeader");
    }

    /// <summary>
    /// Checks the invariants between two consecutive states of a core. A restart is not a transition: state that was not on disk may be
    /// gone.
    /// </summary>
    public static void CheckTransition(in CoreState before, in CoreState after)
    {
        Invariant.That(before.Self == after.Self);
        Invariant.That(after.Term >= before.Term, "MonotonicTerm");
        Invariant.That(after.Commit >= before.Commit, "MonotonicCommit");
        Invariant.That(after.Applied >= before.Applied, "MonotonicApplied");
        if (before.Term == after.Term)
        {
            Invariant.That(before.VotedFor == NodeId.None || before.VotedFor == after.VotedFor, "OneVoteATerm");
            Invariant.That(before.Leader == NodeId.None || after.Leader == NodeId.None || before.Leader == after.Leader, "OneLeaderATerm");
            if (before.Role == Role.Leader && after.Role == Role.Leader)
                Invariant.That(after.Last >= before.Last, "LeaderAppendOnly");
        }
    }

    /// <summary>Checks the invariants across all cores of a cluster at one moment.</summary>
    /// <remarks>Visits each run of terms for each pair of cores: for tests and the simulator.</remarks>
    public static void CheckCluster(IReadOnlyCollection<RaftCore> cores)
    {
        foreach (var a in cores)
        {
            foreach (var b in cores)
            {
                if (a.Self.Value >= b.Self.Value)
                    continue;

                Invariant.That(
                    a.Role != Role.Leader || b.Role != Role.Leader || a.Term != b.Term, "ElectionSafety: at most one leader per term");
                CheckLogMatching(a, b);
                CheckStateMachineSafety(a, b);
            }
        }
    }

    /// <summary>LogMatching: two logs that agree at an index agree at every earlier index.</summary>
    private static void CheckLogMatching(RaftCore a, RaftCore b)
    {
        var first = LogIndex.Max(a.CompactedIndex, b.CompactedIndex);
        var agree = false;
        for (var index = LogIndex.Min(a.LastIndex, b.LastIndex); index > first; index = PreviousRunEnd(a, b, index))
        {
            var same = a.TermAt(index) == b.TermAt(index);
            Invariant.That(same || !agree, "LogMatching");
            agree |= same;
        }
    }

    /// <summary>StateMachineSafety: if two members consider an index committed, they hold the same entry there.</summary>
    private static void CheckStateMachineSafety(RaftCore a, RaftCore b)
    {
        var first = LogIndex.Max(a.CompactedIndex, b.CompactedIndex);
        for (var index = LogIndex.Min(a.CommitIndex, b.CommitIndex); index > first; index = PreviousRunEnd(a, b, index))
            Invariant.That(a.TermAt(index) == b.TermAt(index), "StateMachineSafety");
    }

    /// <summary>
    /// The last index before <paramref name="index"/> at which either log has another term: between the two, the comparison cannot change.
    /// </summary>
    private static LogIndex PreviousRunEnd(RaftCore a, RaftCore b, LogIndex index) =>
        LogIndex.Max(a.RunStart(index), b.RunStart(index)) - 1;
}

/// <summary>The part of a core's state that is compared with its next state.</summary>
public readonly record struct CoreState(
    NodeId Self, Role Role, Term Term, NodeId VotedFor, NodeId Leader, LogIndex Applied, LogIndex Commit, LogIndex Durable, LogIndex Last)
{
    /// <summary>Returns the current state of a core.</summary>
    public static CoreState Of(RaftCore core) =>
        new(
            core.Self, core.Role, core.Term, core.VotedFor, core.Leader,
            core.AppliedIndex, core.CommitIndex, core.DurableIndex, core.LastIndex);
}
