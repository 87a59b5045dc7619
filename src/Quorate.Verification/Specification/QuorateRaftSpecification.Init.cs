using Quorate.Raft;

namespace Quorate.Verification.Specification;

/// <summary>Initial states: Init of spec/QuorateRaft.tla, and Elected, CommandCommitted and Figure8 of spec/MC.tla.</summary>
internal sealed partial class QuorateRaftSpecification
{
    /// <summary>Init: every server is a follower in term 0 with an empty log.</summary>
    public SpecificationState Init()
    {
        var empty = SpecLog.Empty();
        var server =
            new SpecServer(Role.Follower, 0, SpecServer.None, empty, 0, 0, 0, [], new SpecDiskImage(0, SpecServer.None, empty, 0), []);
        return new SpecificationState(
            [.. Enumerable.Repeat(server, constants.Servers)],
            [],
            [.. Enumerable.Repeat(new SpecTermLog(default, empty, 0, 0, 0), constants.MaxTerm + 1)],
            [],
            default);
    }

    /// <summary>Elected: server 0 leads term 1; every server has the leader's first entry and knows that the entry is committed.</summary>
    public SpecificationState Elected()
    {
        var s = Init();
        var log = s.Servers[0].Log.Append(new SpecEntry(1));
        var follower = new SpecServer(Role.Follower, 1, 0, log, 0, 1, 0, [], new SpecDiskImage(1, 0, log, 0), []);
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
    /// server 2, whose log is empty. Reached from Init by actions, where spec/MC.tla lists the variables.
    /// </summary>
    public SpecificationState Figure8()
    {
        var s = Elect(Init(), candidate: 0, voter: 2, term: 1);
        s = Elect(s, candidate: 1, voter: 2, term: 2);
        return Elect(s, candidate: 0, voter: 2, term: 3);

        SpecificationState Elect(SpecificationState state, int candidate, int voter, int term)
        {
            // A candidate increments its own term.
            if (state.Servers[candidate].Term < term - 1)
                state = TryAdoptTerm(state, candidate, term - 1)!;
            state = BecomeCandidate(state, candidate)!;
            state = TryAdoptTerm(state, voter, term)!;
            var request = state.Messages.Single(m => m.Kind == SpecMessageKind.RequestVote && m.Term == term);
            return BecomeLeader(OnRequestVote(state, voter, request)!, candidate)!;
        }
    }
}
