using Quorate.Raft;

namespace Quorate.Verification.Specification;

/// <summary>
/// Initial states: Init of spec/QuorateRaft.tla, and those of spec/MC.tla. The later ones are reached by actions, where spec/MC.tla lists
/// the variables.
/// </summary>
internal sealed partial class QuorateRaftSpecification
{
    /// <summary>Init: every server is a follower in term 0 with an empty log.</summary>
    public SpecificationState Init()
    {
        var empty = SpecLog.Empty();
        var server = new SpecServer(
            Role.Follower, 0, SpecServer.None, empty, 0, 0, [], new SpecDiskImage(0, SpecServer.None, empty), [], 0);
        return new SpecificationState(
            [.. Enumerable.Repeat(server, constants.Servers)],
            [],
            [.. Enumerable.Repeat(new SpecTermLog(default, empty, 0, 0), constants.MaxTerm + 1)],
            [],
            [],
            default);
    }

    /// <summary>Elected: server 0 leads term 1; every server has the leader's first entry and knows that the entry is committed.</summary>
    public SpecificationState Elected()
    {
        var s = Init();
        var log = s.Servers[0].Log.Append(new SpecEntry(1));
        var follower = new SpecServer(Role.Follower, 1, 0, log, 1, 0, [], new SpecDiskImage(1, 0, log), [], 0);
        s = s with
        {
            Servers = [.. Enumerable.Range(0, constants.Servers).Select(i => i == 0 ? follower with { Role = Role.Leader } : follower)],
        };
        s = SendNow(s, SpecMessage.RequestVote(0, 1, log.Prefix(0)));
        for (var i = 0; i < constants.Servers; i++)
            s = i == 0 ? SendNow(s, SpecMessage.Vote(i, 0, 1)) : SendNow(s, SpecMessage.Vote(i, 0, 1), SpecMessage.Ack(i, 1, 1));
        return UpdateTermLog(s, 0);
    }

    /// <summary>
    /// CommandCommitted: Elected, and a command that servers 0 and 1 hold; server 0 has committed it, and no other server knows that.
    /// </summary>
    public SpecificationState CommandCommitted() =>
        AdvanceCommit(OnAppendEntries(OnPropose(Elected(), 0)!, 1, previous: 1, last: 2, commit: 1)!, 0, index: 2)!;

    /// <summary>
    /// Figure8: servers 0 and 1 led terms 1 and 2, and each has its no-op alone; server 0 has been elected in term 3 with the vote of
    /// server 2, whose log is empty.
    /// </summary>
    public SpecificationState Figure8()
    {
        var s = Elect(Init(), term: 1, candidate: 0, 2);
        s = Elect(s, term: 2, candidate: 1, 2);
        return Elect(s, term: 3, candidate: 0, 2);
    }

    /// <summary>
    /// Diverged: server 0 led term 1 and has a command that no other server has; in its place is the no-op that server 1, elected in term
    /// 2, has committed with server 2.
    /// </summary>
    public SpecificationState Diverged()
    {
        var s = Elect(OnPropose(Elected(), 0)!, term: 2, candidate: 1, 2);
        return AdvanceCommit(OnAppendEntries(s, 2, previous: 1, last: 2, commit: 1)!, 1, index: 2)!;
    }

    /// <summary>
    /// Deposed: of five servers, server 0 led terms 1 and 3 and has committed its command of term 1 with the no-op of term 3. Server 1,
    /// which server 2 follows, leads term 2, and has its no-op in place of that command.
    /// </summary>
    public SpecificationState Deposed()
    {
        var s = Elect(OnPropose(Elected(), 0)!, term: 2, candidate: 1, 2, 3, 4);
        s = Elect(s, term: 3, candidate: 0, 3, 4);
        for (var i = 3; i <= 4; i++)
            s = OnAppendEntries(s, i, previous: 1, last: 3, commit: 1)!;
        s = AdvanceCommit(s, 0, index: 3)!;
        for (var i = 3; i <= 4; i++)
            s = OnAppendEntries(s, i, previous: 3, last: 3, commit: 3)!;
        return s;
    }

    private SpecificationState Elect(SpecificationState s, int term, int candidate, params ReadOnlySpan<int> voters)
    {
        // A candidate increments its own term.
        if (s.Servers[candidate].Term < term - 1)
            s = TryAdoptTerm(s, candidate, term - 1)!;
        s = BecomeCandidate(s, candidate)!;
        var request = s.Messages.Single(m => m.Kind == SpecMessageKind.RequestVote && m.Term == term);
        foreach (var voter in voters)
            s = OnRequestVote(TryAdoptTerm(s, voter, term)!, voter, request)!;
        return BecomeLeader(s, candidate)!;
    }
}
