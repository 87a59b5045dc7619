using Quorate.Raft;

namespace Quorate.Verification.Simulation;

// The stability check, which is the last one of a run: a leader that exchanges messages with a majority keeps its leadership, whatever
// happens to the other members (thesis §4.2.3, §9.6).
internal sealed partial class LivenessPhase
{
    private void CheckStability()
    {
        var serving = RepairRemaining();
        var electionTime = (12 * VirtualTime.Second) + (20 * _cluster.Swarm.ElectionTimeout);
        RunUntil(
            "all members that are not faulty follow one of them, all their writes are flushed, and no message is held back",
            electionTime,
            () => AreLedByOneOfThem(serving) && NothingIsHeldBack(serving));

        var (leader, term) = (LeaderOf(serving), serving[0].Process!.Core.Term);

        // It may be quarantined at any time now, and then passes leadership on.
        if (leader.Process!.StateMachine.IsAltered)
            return;
        IsolateTemporarily([.. serving.Where(m => m != leader)], IsolatedMax(serving, leader.Process!.Core.Configuration), leader);

        if (!AreLedByOneOfThem(serving) || LeaderOf(serving) != leader || serving[0].Process!.Core.Term != term)
        {
            throw new ViolationException(
                "Stability",
                $"{leader.Id} led {serving.Count} of {_cluster.Members.Count} members in term {term} " +
                "and exchanged messages with a majority all the time; " +
                $"now {string.Join(", ", serving.Select(Describe))}");
        }
    }

    /// <summary>
    /// Repairs the members that had been left as they were, and returns all members that are not faulty. A repaired member that is in a
    /// later term rejects the leader's messages and so deposes it once, before the check begins. A member that is deaf (receives nothing),
    /// mute (sends nothing) or cut off may stay in a later term: no leader receives a message of it. A member with a corrupted disk may
    /// stop at any time, so it is taken down now.
    /// </summary>
    private List<SimulatedMachine> RepairRemaining()
    {
        foreach (var member in _unrepaired)
        {
            if (_cluster.FaultAtlas.IsCorrupted(member.Id))
                TakeDown(member, "its disk is damaged");
            else
                Repair(member);
        }

        return [.. _healthy, .. _unrepaired.Where(static m => !m.StaysDown)];
    }

    /// <summary>How many followers the leader can do without. When the members change, some may be learners: then fewer.</summary>
    private int IsolatedMax(List<SimulatedMachine> serving, Configuration configuration) => _cluster.Swarm.ChangesMembers
        ? Math.Max(0, serving.Count(m => configuration.Voters.Contains(m.Id)) - Quorum.Majority(configuration.Voters.Length))
        : serving.Count - ((_cluster.Members.Count / 2) + 1);

    /// <summary>
    /// Isolates some followers from the leader for longer than an election timeout, never so many that the leader has no majority, and then
    /// reconnects them. The isolated followers request pre-votes, and no member that still receives from the leader grants one: so they
    /// return in the term in which they left. Meanwhile one clock jumps.
    /// </summary>
    private void IsolateTemporarily(List<SimulatedMachine> followers, int isolatedMax, SimulatedMachine leader)
    {
        var timeout = _cluster.Swarm.ElectionTimeout;
        var until = _cluster.Time.Now + _prng.Between(timeout, 3 * timeout);
        _prng.Shuffle(followers);
        foreach (var isolated in followers.Take(_prng.Next(Math.Min(isolatedMax, 1), isolatedMax + 1)))
        {
            var failure = _prng.Pick("does not hear the leader", "deaf", "cut off");
            _cluster.EventLog.Record(isolated.Id, "for a while", failure);
            _cluster.Counters.Increment("away: " + failure);
            foreach (var other in _cluster.Members.Where(m => m == leader || (m != isolated && failure != "does not hear the leader")))
            {
                _cluster.Network.Cut(other.Id, isolated.Id, until);
                if (failure == "cut off")
                    _cluster.Network.Cut(isolated.Id, other.Id, until);
            }
        }

        (_prng.Chance(500) || followers.Count == 0 ? leader : followers[0]).JumpClock(_prng.Between(timeout, VirtualTime.Second * 3_600));
        var roundTrip = followers.Count == 0 ? 0 : followers.Max(m => _cluster.Network.RoundTripMax(leader.Id, m.Id));
        _cluster.Time.Run(until + (4 * _cluster.Swarm.HeartbeatMs * VirtualTime.Millisecond) + (2 * roundTrip));
    }

    /// <summary>
    /// Returns whether the members all follow one of them and have flushed all their writes. A leader whose disk hangs steps down, and a
    /// follower whose disk hangs sends no replies, so that it does not count towards a majority.
    /// </summary>
    private bool AreLedByOneOfThem(List<SimulatedMachine> members) =>
        AreLed(members) &&
        members.Exists(m => m.Id == members[0].Process!.Core.Leader && !m.IsQuarantined) &&
        members.TrueForAll(HasFlushedAll) &&
        NoHungDiskHoldsLaterTerm(members[0].Process!.Core.Term);

    /// <summary>
    /// Returns whether the leader exchanges messages with all members in both directions. A link that was clogged still holds back what was
    /// sent on it: a follower may receive all messages of the leader, and its replies arrive a second later.
    /// </summary>
    private bool NothingIsHeldBack(List<SimulatedMachine> members)
    {
        var leader = LeaderOf(members);
        return members.TrueForAll(m => m == leader || _cluster.Network.UndisturbedSince(leader.Id, m.Id) <= _cluster.Time.Now);
    }

    private static bool HasFlushedAll(SimulatedMachine member) =>
        member.Process is { } process &&
        process.Core.DurableIndex == process.Core.LastIndex &&
        process.Log.HardState.Term == process.Core.Term;

    /// <summary>
    /// Returns whether no member with a hung disk has a later term on disk. Such a member sends nothing in a term that is not on its disk
    /// yet; a later term that is there already deposes the leader once.
    /// </summary>
    private bool NoHungDiskHoldsLaterTerm(Term term) => !_withHungDisk.Exists(m => m.Process is { } p && p.Log.HardState.Term > term);

    private static SimulatedMachine LeaderOf(List<SimulatedMachine> members) => members.Find(m => m.Id == members[0].Process!.Core.Leader)!;

    private static string Describe(SimulatedMachine member) => member.Process is { Core: var core }
        ? $"{member.Id} is {core.Role} in term {core.Term} with leader {core.Leader}"
        : $"{member.Id} is down";
}
