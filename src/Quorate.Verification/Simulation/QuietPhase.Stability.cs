using Quorate.Raft;

namespace Quorate.Verification.Simulation;

/// <summary>The last promise: whoever leads, and hears a majority that hears it, goes on leading, whatever becomes of the others (thesis §4.2.3, §9.6).</summary>
internal sealed partial class QuietPhase
{
    private void CheckStability()
    {
        var serving = Return();
        Until("nobody leads but one whom all follow who can, and their disks answer", (12 * VirtualTime.Second) + (20 * _cluster.Weather.ElectionTimeout), () => AreLedByOneOf(serving));

        var (leader, term) = (LeaderOf(serving), serving[0].Process!.Core.Term);
        SendAway([.. serving.Where(m => m != leader)], serving.Count - ((_cluster.Members.Count / 2) + 1), leader);

        if (!AreLedByOneOf(serving) || LeaderOf(serving) != leader || serving[0].Process!.Core.Term != term)
            throw new ViolationException("Stability", $"{leader.Id} led {serving.Count} of {_cluster.Members.Count} in term {term}, and a majority heard it all the time; now {string.Join(", ", serving.Select(Stance))}");
    }

    /// <summary>
    /// Who was left as it was is well again, and one that is in a later term deposes the leader once, before the promise begins: it refuses what the leader says. Who is deaf, mute or cut off may
    /// stay in a later term for ever, because nobody's leader hears it say so. Whose disk is damaged may end at any moment, so it ends now.
    /// </summary>
    private List<Member> Return()
    {
        foreach (var member in _asTheyWere)
        {
            if (_cluster.Atlas.IsDamaged(member.Id))
                TakeDown(member, "its disk is damaged");
            else
                Heal(member);
        }

        return [.. _core, .. _asTheyWere.Where(static m => !m.IsBanned)];
    }

    /// <summary>
    /// For longer than an election timeout some hear the leader no more, but never so many that it has no majority; then they hear it again. They ask whether they might be elected, and nobody
    /// who hears the leader says yes: so they come back in the term in which they left. Meanwhile a clock leaps.
    /// </summary>
    private void SendAway(List<Member> followers, int most, Member leader)
    {
        var timeout = _cluster.Weather.ElectionTimeout;
        var back = _cluster.Time.Now + _dice.Between(timeout, 3 * timeout);
        _dice.Shuffle(followers);
        foreach (var away in followers.Take(_dice.Next(Math.Min(most, 1), most + 1)))
        {
            var how = _dice.Pick("does not hear the leader", "deaf", "cut off");
            _cluster.Chronicle.Note(away.Id, "for a while", how);
            _cluster.Tally.Add("away: " + how);
            foreach (var other in _cluster.Members.Where(m => m == leader || (m != away && how != "does not hear the leader")))
            {
                _cluster.Network.Cut(other.Id, away.Id, back);
                if (how == "cut off")
                    _cluster.Network.Cut(away.Id, other.Id, back);
            }
        }

        (_dice.Chance(500) || followers.Count == 0 ? leader : followers[0]).LeapAhead(_dice.Between(timeout, VirtualTime.Second * 3_600));
        _cluster.Time.Run(back + (4 * _cluster.Weather.HeartbeatMs * VirtualTime.Millisecond));
    }

    /// <summary>And all of their disks have answered: who leads with one that hangs steps down, and who follows with one says nothing, so that it does not count for a majority.</summary>
    private bool AreLedByOneOf(List<Member> members) =>
        AreLed(members) && members.Exists(m => m.Id == members[0].Process!.Core.Leader) && members.TrueForAll(DiskHasAnswered) && NobodySpeaksOfALaterTerm(members[0].Process!.Core.Term);

    private static bool DiskHasAnswered(Member member) =>
        member.Process is { } process && process.Core.DurableIndex == process.Core.LastIndex && process.Log.HardState.Term == process.Core.Term;

    /// <summary>Whose disk hangs says nothing of a term that is not on it; one that is there already deposes the leader, once.</summary>
    private bool NobodySpeaksOfALaterTerm(Term term) => !_hanging.Exists(m => m.Process is { } p && p.Log.HardState.Term > term);

    private static Member LeaderOf(List<Member> members) => members.Find(m => m.Id == members[0].Process!.Core.Leader)!;

    private static string Stance(Member member) => member.Process is { Core: var core } ? $"{member.Id} is {core.Role} in term {core.Term} and knows {core.Leader}" : $"{member.Id} is down";
}
