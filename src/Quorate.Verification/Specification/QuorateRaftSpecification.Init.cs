using Quorate.Raft;

namespace Quorate.Verification.Specification;

/// <summary>Initial states: Init of spec/QuorateRaft.tla, and Elected of spec/MC.tla.</summary>
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
}
