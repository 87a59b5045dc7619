using Quorate.Raft;

namespace Quorate.Verification.Specification;

/// <summary>The invariants, with the names they have in spec/QuorateRaft.tla and in <see cref="RaftInvariants"/>.</summary>
internal sealed partial class QuorateRaftSpecification
{
    /// <summary>Checks the invariants of a state.</summary>
    /// <exception cref="InvariantViolationException">An invariant does not hold.</exception>
    public void CheckState(SpecificationState s)
    {
        for (var i = 0; i < s.Servers.Length; i++)
        {
            CheckState(i, s.Servers[i]);
            CheckLeaderHasCommitted(s.TermLogOf(s.Servers[i].Term), s.Servers[i]);
            for (var j = 0; j < i; j++)
                CheckPair(s.Servers[i], s.Servers[j]);
        }

        for (var term = 1; term < s.TermLogs.Length; term++)
            CheckTerm(s, term);
        foreach (var message in s.Messages)
            SentStateIsDurable(s, message);
        foreach (var read in s.Granted)
            Invariant.That(read.Index >= read.Needed, "NoStaleRead");
    }

    /// <summary>Checks the properties of a step.</summary>
    public static void CheckTransition(SpecificationState before, SpecificationState after)
    {
        var restarted = after.Spent.Restarts > before.Spent.Restarts;
        for (var i = 0; i < before.Servers.Length; i++)
        {
            var (old, next) = (before.Servers[i], after.Servers[i]);
            Invariant.That(next.Term >= (restarted ? old.Disk.Term : old.Term), "MonotonicTerm");
            Invariant.That(next.Commit >= (restarted ? old.Snapshot : old.Commit), "MonotonicCommit");
        }

        for (var term = 1; term < before.TermLogs.Length; term++)
        {
            Invariant.That(
                before.TermLogs[term].Log.Agreement(after.TermLogs[term].Log) == before.TermLogs[term].Log.Length, "LeaderAppendOnly");
        }
    }

    private static void CheckState(int i, SpecServer server)
    {
        Invariant.That(server.Snapshot <= server.Commit && server.Commit <= server.Log.Length, "LogPointers");
        for (var n = 1; n <= server.Log.Length; n++)
            Invariant.That(server.Log.TermAt(n - 1) <= server.Log.TermAt(n) && server.Log.TermAt(n) <= server.Term, "LogTermsBounded");
        if (server.Role is Role.Candidate or Role.Leader)
            Invariant.That(server.Vote == i, "LeaderVotedForItself");
        if (server.Role == Role.Leader)
            Invariant.That(server.Log.Last.Term == server.Term, "LeaderWroteItsNoOp");
    }

    private static void CheckLeaderHasCommitted(SpecTermLog leader, SpecServer server) =>
        Invariant.That(leader.Leaders.IsEmpty || leader.Log.Agreement(server.Log) >= server.Commit, "LeaderCompleteness");

    private static void CheckPair(SpecServer a, SpecServer b)
    {
        var agree = a.Log.Agreement(b.Log);
        for (var n = agree + 1; n <= Math.Min(a.Log.Length, b.Log.Length); n++)
            Invariant.That(a.Log.TermAt(n) != b.Log.TermAt(n), "LogMatching");
        Invariant.That(agree >= Math.Min(a.Commit, b.Commit), "StateMachineSafety");
    }

    private void CheckTerm(SpecificationState s, int term)
    {
        var termLog = s.TermLogs[term];
        Invariant.That(termLog.Leaders.IsEmpty || (termLog.Leaders.Bits & termLog.Leaders.Bits - 1) == 0, "ElectionSafety");
        for (var later = term + 1; later < s.TermLogs.Length; later++)
        {
            if (!s.TermLogs[later].Leaders.IsEmpty)
                Invariant.That(termLog.Log.Agreement(s.TermLogs[later].Log) >= termLog.Commit, "LeaderCompleteness");
        }

        var committed = termLog.Log.Prefix(termLog.Commit);
        var holders = default(ServerSet);
        for (var i = 0; i < s.Servers.Length; i++)
        {
            if (s.Servers[i].WithSnapshot(s.Servers[i].Disk.Log).Agreement(committed) == committed.Length)
                holders = holders.With(i);
        }

        Invariant.That(holders.IsMajorityOf(Configuration(committed).Voters), "DurableOnQuorum");
    }

    private static void SentStateIsDurable(SpecificationState s, SpecMessage message)
    {
        var server = s.Servers[message.From];
        var disk = server.Disk;
        if (!message.IsPreVote)
            Invariant.That(disk.Term >= message.Term, "SentStateIsDurable");
        if (message.Kind == SpecMessageKind.Vote)
        {
            Invariant.That(disk.Term != message.Term || disk.Vote == message.To, "SentStateIsDurable");
            Invariant.That(
                !s.Messages.Any(other => other.Kind == SpecMessageKind.Vote
                    && other.From == message.From
                    && other.Term == message.Term
                    && other.To != message.To),
                "OneVoteATerm");
        }

        if (message.Kind == SpecMessageKind.Ack)
        {
            Invariant.That(
                disk.Term != message.Term
                    || server.WithSnapshot(disk.Log).Agreement(s.TermLogOf(message.Term).Log) >= message.Number,
                "SentStateIsDurable");
        }
    }
}
