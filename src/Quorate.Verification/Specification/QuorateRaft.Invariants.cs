using Quorate.Raft;

namespace Quorate.Verification.Specification;

/// <summary>What must hold, under the names it has in spec/QuorateRaft.tla and in <see cref="RaftInvariants"/>.</summary>
internal sealed partial class QuorateRaft
{
    /// <exception cref="InvariantViolationException">Something does not hold.</exception>
    public void HoldNow(SpecificationState s)
    {
        for (var i = 0; i < s.Servers.Length; i++)
        {
            HoldNow(i, s.Servers[i]);
            for (var j = 0; j < i; j++)
                HoldAcross(s.Servers[i], s.Servers[j]);
        }

        for (var term = 1; term < s.Reigns.Length; term++)
            HoldIn(s, term);
        foreach (var said in s.Messages)
            PromisesAreDurable(s, said);
        foreach (var read in s.Granted)
            Invariant.That(read.Index >= read.Needed, "NoStaleRead");
    }

    /// <summary>What holds from one state to the next.</summary>
    public static void HoldBetween(SpecificationState before, SpecificationState after)
    {
        var restarted = after.Spent.Restarts > before.Spent.Restarts;
        for (var i = 0; i < before.Servers.Length; i++)
        {
            var (old, next) = (before.Servers[i], after.Servers[i]);
            Invariant.That(next.Term >= (restarted ? old.Disk.Term : old.Term), "MonotonicTerm");
            Invariant.That(next.Commit >= (restarted ? old.Disk.Snapshot : old.Commit), "MonotonicCommit");
        }

        for (var term = 1; term < before.Reigns.Length; term++)
            Invariant.That(before.Reigns[term].Log.Agreement(after.Reigns[term].Log) == before.Reigns[term].Log.Length, "LeaderAppendOnly");
    }

    private static void HoldNow(int i, Server server)
    {
        Invariant.That(server.Snapshot <= server.Commit && server.Commit <= server.Log.Length, "LogPointers");
        for (var n = 1; n <= server.Log.Length; n++)
            Invariant.That(server.Log.TermAt(n - 1) <= server.Log.TermAt(n) && server.Log.TermAt(n) <= server.Term, "LogTermsBounded");
        if (server.Role is Role.Candidate or Role.Leader)
            Invariant.That(server.Vote == i, "LeaderVotedForItself");
        if (server.Role == Role.Leader)
            Invariant.That(server.Log.Last.Term == server.Term, "LeaderWroteItsNoOp");
    }

    private static void HoldAcross(Server a, Server b)
    {
        var agree = a.Log.Agreement(b.Log);
        for (var n = agree + 1; n <= Math.Min(a.Log.Length, b.Log.Length); n++)
            Invariant.That(a.Log.TermAt(n) != b.Log.TermAt(n), "LogMatching");
        Invariant.That(agree >= Math.Min(a.Commit, b.Commit), "StateMachineSafety");
    }

    private void HoldIn(SpecificationState s, int term)
    {
        var reign = s.Reigns[term];
        Invariant.That(reign.Leaders.IsEmpty || (reign.Leaders.Bits & reign.Leaders.Bits - 1) == 0, "ElectionSafety");
        for (var later = term + 1; later < s.Reigns.Length; later++)
        {
            if (!s.Reigns[later].Leaders.IsEmpty)
                Invariant.That(reign.Log.Agreement(s.Reigns[later].Log) >= reign.Commit, "LeaderCompleteness");
        }

        var committed = reign.Log.Prefix(reign.Commit);
        var holders = default(ServerSet);
        for (var i = 0; i < s.Servers.Length; i++)
        {
            if (s.Servers[i].Disk.Log.Agreement(committed) == committed.Length)
                holders = holders.With(i);
        }

        Invariant.That(holders.IsMajorityOf(Configuration(committed).Voters), "DurableOnQuorum");
    }

    private static void PromisesAreDurable(SpecificationState s, Said said)
    {
        var disk = s.Servers[said.From].Disk;
        if (!said.IsPreVote)
            Invariant.That(disk.Term >= said.Term, "PromisesAreDurable");
        if (said.Kind == SaidKind.Vote)
        {
            Invariant.That(disk.Term != said.Term || disk.Vote == said.To, "PromisesAreDurable");
            Invariant.That(!s.Messages.Any(other => other.Kind == SaidKind.Vote && other.From == said.From && other.Term == said.Term && other.To != said.To), "OneVoteATerm");
        }

        if (said.Kind == SaidKind.Ack)
            Invariant.That(disk.Term != said.Term || disk.Log.Agreement(s.ReignOf(said.Term).Log) >= said.Number, "PromisesAreDurable");
    }
}
