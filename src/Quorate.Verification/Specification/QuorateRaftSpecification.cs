using Quorate.Raft;

namespace Quorate.Verification.Specification;

/// <summary>
/// Executable form of spec/QuorateRaft.tla: the same variables and the same actions with the same names, in the same order. An action that
/// is not enabled returns null.
/// </summary>
/// <remarks>
/// The TLA+ module explains the actions. The state counts show that both are the same: TLC and the search over
/// <see cref="SpecificationModel"/> reach the same number of distinct states (spec/expected.json).
/// </remarks>
internal sealed partial class QuorateRaftSpecification(SpecConstants constants)
{
    private readonly SpecMembership _initial = new(constants.InitialVoters, default);

    private SpecMembership Configuration(SpecLog log)
    {
        if (log.ConfigurationIndex == 0)
            return _initial;
        var entry = log.At(log.ConfigurationIndex);
        return new SpecMembership(entry.Voters, entry.Outgoing);
    }

    private static bool IsAtLeastAsUpToDate(int aTerm, int aIndex, SpecLog b) =>
        aTerm > b.Last.Term || (aTerm == b.Last.Term && aIndex >= b.Length);

    private static SpecificationState UpdateTermLog(SpecificationState s, int i)
    {
        var server = s.Servers[i];
        var leaders = s.TermLogOf(server.Term).Leaders.With(i);
        return s.With(server.Term, new SpecTermLog(leaders, server.Log, server.Commit, server.Round));
    }

    /// <summary>
    /// The servers that have acknowledged to the leader <paramref name="i"/> that the entries up to <paramref name="index"/> are durable.
    /// </summary>
    private static ServerSet Acked(SpecificationState s, int i, int index) =>
        SendersOf(s, SpecMessageKind.Ack, SpecServer.None, s.Servers[i].Term, index);

    private static ServerSet Echoed(SpecificationState s, int i, int round) =>
        SendersOf(s, SpecMessageKind.Echo, SpecServer.None, s.Servers[i].Term, round);

    private static ServerSet SendersOf(SpecificationState s, SpecMessageKind kind, int to, int term, int atLeast)
    {
        var from = default(ServerSet);
        foreach (var m in s.Messages)
        {
            if (m.Kind == kind && m.To == to && m.Term == term && m.Number >= atLeast)
                from = from.With(m.From);
        }

        return from;
    }

    // ---- Elections ----

    public SpecificationState? TryAdoptTerm(SpecificationState s, int i, int term)
    {
        var server = s.Servers[i];
        if (term <= server.Term || !s.Servers.Any(other => other.Disk.Term >= term))
            return null;
        return Write(s, i, server with { Role = Role.Follower, Term = term, Vote = SpecServer.None, Reads = [] });
    }

    public static SpecificationState? BecomeFollower(SpecificationState s, int i) =>
        s.Servers[i] is { Role: not Role.Follower } server ? s.With(i, server with { Role = Role.Follower, Reads = [] }) : null;

    public SpecificationState? BecomePreCandidate(SpecificationState s, int i)
    {
        var server = s.Servers[i];
        if (!constants.PreVote || server.Role == Role.Leader || !Configuration(server.Log).Includes(i))
            return null;
        return Send(s.With(i, server with { Role = Role.PreCandidate }), i, SpecMessage.RequestPreVote(i, server.Term + 1, server.Log));
    }

    public SpecificationState? BecomeCandidate(SpecificationState s, int i)
    {
        var server = s.Servers[i];
        var configuration = Configuration(server.Log);
        var isEligible = constants.PreVote
            ? server.Role == Role.PreCandidate
                && configuration.IsQuorum(SendersOf(s, SpecMessageKind.PreVote, i, server.Term + 1, 0).With(i))
            : server.Role != Role.Leader && configuration.Includes(i);
        return isEligible ? Campaign(s, i) : null;
    }

    private SpecificationState? Campaign(SpecificationState s, int i)
    {
        var server = s.Servers[i];
        var term = server.Term + 1;
        return Write(
            s,
            i,
            server with { Role = Role.Candidate, Term = term, Vote = i },
            SpecMessage.RequestVote(i, term, server.Log),
            SpecMessage.Vote(i, i, term));
    }

    public SpecificationState? OnRequestVote(SpecificationState s, int i, SpecMessage m)
    {
        var server = s.Servers[i];
        if (m.From == i || !IsAtLeastAsUpToDate(m.LastTerm, m.Number, server.Log))
            return null;
        if (m.Kind == SpecMessageKind.RequestPreVote)
            return m.Term > server.Term ? Send(s, i, SpecMessage.PreVote(i, m.From, m.Term)) : null;
        if (m.Term != server.Term)
            return null;

        var vote = SpecMessage.Vote(i, m.From, server.Term);
        if (server.Vote == SpecServer.None)
            return Write(s, i, server with { Vote = m.From }, vote);
        return server.Vote == m.From ? SendWhenDurable(s, i, vote) : null;
    }

    public SpecificationState? BecomeLeader(SpecificationState s, int i)
    {
        var server = s.Servers[i];
        if (server.Role != Role.Candidate || !Configuration(server.Log).IsQuorum(SendersOf(s, SpecMessageKind.Vote, i, server.Term, 0)))
            return null;
        return LeaderAppends(s.With(i, server with { Role = Role.Leader }), i, new SpecEntry(server.Term));
    }

    private static bool IsLedByAnother(SpecTermLog leader, SpecServer server, int i) =>
        server.Role != Role.Leader && !leader.Leaders.Without(i).IsEmpty;

    // ---- The log ----

    private SpecificationState? LeaderAppends(SpecificationState s, int i, SpecEntry entry)
    {
        var server = s.Servers[i];
        return server.Role == Role.Leader && Write(s, i, server with { Log = server.Log.Append(entry) }) is { } written
            ? UpdateTermLog(written, i)
            : null;
    }

    public SpecificationState? OnPropose(SpecificationState s, int i) =>
        LeaderAppends(s with { Spent = s.Spent with { Commands = s.Spent.Commands + 1 } }, i, new SpecEntry(s.Servers[i].Term));

    /// <summary>
    /// The follower <paramref name="i"/> receives the entries from <paramref name="previous"/> + 1 to <paramref name="last"/> of its
    /// leader's log, none if the two are equal, and a commit index.
    /// </summary>
    public SpecificationState? OnAppendEntries(SpecificationState s, int i, int previous, int last, int commit)
    {
        var server = s.Servers[i];
        var leader = s.TermLogOf(server.Term);
        if (!IsLedByAnother(leader, server, i) || last > leader.Log.Length || previous > last || commit > leader.Commit)
            return null;

        var agree = server.Log.Agreement(leader.Log);
        if (Math.Max(previous, server.Commit) > agree)
            return null;

        var after = server with
        {
            Role = Role.Follower,
            Log = last <= agree ? server.Log : leader.Log.Prefix(last),
            Commit = Math.Max(server.Commit, Math.Min(commit, last)),
        };
        if (after.Log != server.Log)
            return Write(s, i, after, SpecMessage.Ack(i, server.Term, last));
        return previous == last
            ? Send(s.With(i, after), i, SpecMessage.Ack(i, server.Term, Math.Min(last, server.Durable)))
            : SendWhenDurable(s.With(i, after), i, SpecMessage.Ack(i, server.Term, last));
    }

    public SpecificationState? AdvanceCommit(SpecificationState s, int i, int index)
    {
        var server = s.Servers[i];
        if (server.Role != Role.Leader || index <= server.Commit || index > server.Log.Length || server.Log.TermAt(index) != server.Term)
            return null;

        var holders = Acked(s, i, index);
        if (server.Durable >= index)
            holders = holders.With(i);
        return Configuration(server.Log).IsQuorum(holders) ? UpdateTermLog(s.With(i, server with { Commit = index }), i) : null;
    }

    // ---- Leadership transfer ----

    public static SpecificationState? ContinueTransfer(SpecificationState s, int i, int target)
    {
        var server = s.Servers[i];
        if (server.Role != Role.Leader || target == i || !Acked(s, i, server.Log.Length).Contains(target))
            return null;
        var sent = Send(s, i, SpecMessage.TimeoutNow(i, target, server.Term, server.Log.Length));
        return sent with { Spent = s.Spent with { Transfers = s.Spent.Transfers + 1 } };
    }

    public SpecificationState? OnTimeoutNow(SpecificationState s, int i, SpecMessage m)
    {
        var server = s.Servers[i];
        var isCurrent = m.To == i && m.Term == server.Term && m.Number == server.Log.Length;
        return isCurrent && server.Role == Role.Follower && Configuration(server.Log).Includes(i) ? Campaign(s, i) : null;
    }

    // ---- Reads ----

    public static SpecificationState? OnRead(SpecificationState s, int i)
    {
        var server = s.Servers[i];
        if (server.Role != Role.Leader)
            return null;
        var read = new SpecPendingRead(0, 0, s.TermLogs.Max(static r => r.Commit));
        var reads = server.Reads.Contains(read) ? server.Reads : server.Reads.Add(read);
        return s.With(i, server with { Reads = reads }) with { Spent = s.Spent with { Reads = s.Spent.Reads + 1 } };
    }

    public static SpecificationState? StartReadRound(SpecificationState s, int i)
    {
        var server = s.Servers[i];
        if (server.Role != Role.Leader
            || server.Reads.IsEmpty
            || server.Reads.Any(static r => r.Round != 0)
            || server.Log.TermAt(server.Commit) != server.Term)
            return null;
        var round = server.Round + 1;
        var reads = server.Reads.Select(r => r with { Round = round, Index = server.Commit });
        return UpdateTermLog(s.With(i, server with { Round = round, Reads = [.. reads] }), i);
    }

    public static SpecificationState? AnswerRound(SpecificationState s, int i, int round)
    {
        var server = s.Servers[i];
        if (!IsLedByAnother(s.TermLogOf(server.Term), server, i) || round < 1 || round > s.TermLogOf(server.Term).Round)
            return null;
        return Send(s.With(i, server with { Role = Role.Follower }), i, SpecMessage.Echo(i, server.Term, round));
    }

    public SpecificationState? ConfirmReads(SpecificationState s, int i)
    {
        var server = s.Servers[i];
        if (server.Role != Role.Leader)
            return null;
        var configuration = Configuration(server.Log);
        var done = server.Reads.Where(r => r.Round > 0 && configuration.IsQuorum(Echoed(s, i, r.Round).With(i))).ToArray();
        if (done.Length == 0)
            return null;
        var granted = s.Granted.Union(done.Select(static r => new SpecGrantedRead(r.Index, r.Needed)));
        return s.With(i, server with { Reads = server.Reads.RemoveRange(done) }) with { Granted = [.. granted] };
    }

    // ---- Membership ----

    public SpecificationState? EnterJoint(SpecificationState s, int i, ServerSet voters)
    {
        var server = s.Servers[i];
        var configuration = Configuration(server.Log);
        if (voters == configuration.Voters || !configuration.Outgoing.IsEmpty || server.Log.ConfigurationIndex > server.Commit)
            return null;
        var spent = s.Spent with { Changes = s.Spent.Changes + 1 };
        return LeaderAppends(s with { Spent = spent }, i, new SpecEntry(server.Term, voters, configuration.Voters));
    }

    public SpecificationState? LeaveJoint(SpecificationState s, int i)
    {
        var server = s.Servers[i];
        var configuration = Configuration(server.Log);
        return configuration.Outgoing.IsEmpty || server.Log.ConfigurationIndex > server.Commit
            ? null
            : LeaderAppends(s, i, new SpecEntry(server.Term, configuration.Voters));
    }

    // ---- Snapshots ----

    public static SpecificationState? TakeSnapshot(SpecificationState s, int i, int index)
    {
        var server = s.Servers[i];
        if (index <= server.Snapshot || index > server.Commit || index > s.TermLogOf(server.Log.TermAt(index)).Commit)
            return null;
        var taken = new SpecSnapshot(server.Log.TermAt(index), index);
        return s.With(i, server with { Snapshot = index }) with
        {
            Snapshots = s.Snapshots.Contains(taken) ? s.Snapshots : s.Snapshots.Add(taken),
            Spent = s.Spent with { Snapshots = s.Spent.Snapshots + 1 },
        };
    }

    /// <summary>A snapshot that another server took is durable on the disk of server <paramref name="i"/>.</summary>
    public SpecificationState? InstallSnapshot(SpecificationState s, int i, SpecSnapshot snapshot)
    {
        var server = s.Servers[i];
        if (!s.Snapshots.Contains(snapshot)
            || server.Role == Role.Leader
            || snapshot.Index <= server.Commit
            || snapshot.Term > server.Term)
            return null;

        var log = server.Log.TermAt(snapshot.Index) == snapshot.Term
            ? server.Log
            : s.TermLogOf(snapshot.Term).Log.Prefix(snapshot.Index);
        var after = server with { Role = Role.Follower, Log = log, Commit = snapshot.Index, Snapshot = snapshot.Index };
        return log == server.Log ? s.With(i, after) : Write(s, i, after);
    }
}
