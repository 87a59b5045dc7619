using Quorate.Raft;

namespace Quorate.Verification.Simulation;

/// <summary>The last promise: whoever leads, and hears a majority that hears it, goes on leading, whatever becomes of the others (thesis §4.2.3, §9.6).</summary>
internal sealed partial class LivenessPhase
{
    private void CheckStability()
    {
        var serving = RepairRemaining();
        RunUntil("nobody leads but one whom all follow who can, and their disks answer", (12 * VirtualTime.Second) + (20 * _cluster.Swarm.ElectionTimeout), () => AreLedByOneOfThem(serving));

        var (leader, term) = (LeaderOf(serving), serving[0].Process!.Core.Term);
        IsolateTemporarily([.. serving.Where(m => m != leader)], serving.Count - ((_cluster.Members.Count / 2) + 1), leader);

        if (!AreLedByOneOfThem(serving) || LeaderOf(serving) != leader || serving[0].Process!.Core.Term != term)
            throw new ViolationException("Stability", $"{leader.Id} led {serving.Count} of {_cluster.Members.Count} in term {term}, and a majority heard it all the time; now {string.Join(", ", serving.Select(Describe))}");
    }

    /// <summary>
    /// Who was left as it was is well again, and one that is in a later term deposes the leader once, before the promise begins: it refuses what the leader says. Who is deaf, mute or cut off may
    /// stay in a later term for ever, because nobody's leader hears it say so. Whose disk is damaged may end at any moment, so it ends now.
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

    /// <summary>
    /// For longer than an election timeout some hear the leader no more, but never so many that it has no majority; then they hear it again. They ask whether they might be elected, and nobody
    /// who hears the leader says yes: so they come back in the term in which they left. Meanwhile a clock leaps.
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
        _cluster.Time.Run(until + (4 * _cluster.Swarm.HeartbeatMs * VirtualTime.Millisecond));
    }

    /// <summary>And all of their disks have answered: who leads with one that hangs steps down, and who follows with one says nothing, so that it does not count for a majority.</summary>
    private bool AreLedByOneOfThem(List<SimulatedMachine> members) =>
        AreLed(members) && members.Exists(m => m.Id == members[0].Process!.Core.Leader) && members.TrueForAll(DiskHasAnswered) && NoHungDiskHoldsLaterTerm(members[0].Process!.Core.Term);

    private static bool DiskHasAnswered(SimulatedMachine member) =>
        member.Process is { } process && process.Core.DurableIndex == process.Core.LastIndex && process.Log.HardState.Term == process.Core.Term;

    /// <summary>Whose disk hangs says nothing of a term that is not on it; one that is there already deposes the leader, once.</summary>
    private bool NoHungDiskHoldsLaterTerm(Term term) => !_withHungDisk.Exists(m => m.Process is { } p && p.Log.HardState.Term > term);

    private static SimulatedMachine LeaderOf(List<SimulatedMachine> members) => members.Find(m => m.Id == members[0].Process!.Core.Leader)!;

    private static string Describe(SimulatedMachine member) => member.Process is { Core: var core } ? $"{member.Id} is {core.Role} in term {core.Term} and knows {core.Leader}" : $"{member.Id} is down";
}
