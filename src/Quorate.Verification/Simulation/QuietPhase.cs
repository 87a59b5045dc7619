using Quorate.Raft;

namespace Quorate.Verification.Simulation;

/// <summary>
/// The end of a run: all members are healed, or a majority of them while the rest stays broken. They must elect, commit, answer, and come to the same
/// state, in bounded virtual time. Then whoever leads must go on leading (QuietPhase.Stability.cs).
/// </summary>
internal sealed partial class QuietPhase
{
    private readonly Cluster _cluster;
    private readonly Dice _dice;
    private readonly List<Member> _core;
    private readonly List<Member> _rest;
    private readonly List<Member> _asTheyWere = [];
    private readonly List<Member> _hanging = [];

    public QuietPhase(Cluster cluster, ulong seed)
    {
        _cluster = cluster;
        _dice = Dice.For(seed, "quiet");
        var members = cluster.Members.ToList();
        _dice.Shuffle(members);
        var broken = _dice.Chance(500) && cluster.Weather.StaysBroken ? _dice.Next(0, ((members.Count - 1) / 2) + 1) : 0;

        // Whoever leads has most to lose. A damaged disk is not healed by leaving it alone, and its member may refuse to go on at any time.
        if (_dice.Chance(500) && cluster.BelievedLeaders().MaxBy(static m => m.Process!.Core.Term) is { } leader)
            members = [leader, .. members.Where(m => m != leader)];
        members = [.. members.OrderBy(m => !cluster.Atlas.IsDamaged(m.Id))];
        broken = Math.Max(broken, members.Count(m => cluster.Atlas.IsDamaged(m.Id)));
        _rest = members[..broken];
        _core = members[broken..];
    }

    public void Run()
    {
        _cluster.BecomeQuiet();
        foreach (var member in _rest)
            Break(member);
        foreach (var member in _core)
            Heal(member);

        // A disk that stalled before answers within ten seconds; then elections, some of them split, and the restarts they wait for.
        Until("a leader is elected and known to the core", (12 * VirtualTime.Second) + (20 * _cluster.Weather.ElectionTimeout), Led);
        foreach (var client in _cluster.Clients)
            client.IsStopped = true;
        Until("every client has its answer, or gave up", 4 * VirtualTime.Second, () => _cluster.Clients.TrueForAll(static c => c.IsIdle));

        var probes = _core.Select((m, i) => _cluster.Application.NewClient(_cluster, 1000 + i, m)).ToList();
        Until("a write and a read succeed at every member of the core", 20 * VirtualTime.Second, () =>
        {
            foreach (var probe in probes)
                probe.IsStopped = probe.Committed > 0 && probe.Granted > 0;
            return probes.TrueForAll(static p => p.IsStopped && p.IsIdle);
        });
        Until("the core is of one mind", 20 * VirtualTime.Second, Converged);
        CheckStates();
        CheckStability();
    }

    private void Break(Member member)
    {
        var how = _dice.Pick("down", "cut off", "deaf", "mute", "disk hangs", "as it was");
        _cluster.Chronicle.Note(member.Id, "stays broken:", how);
        _cluster.Tally.Add("broken: " + how);
        switch (how)
        {
            case "down":
                TakeDown(member, "broken for good");
                break;
            case "disk hangs":
                // Whoever starts on such a disk waits for it for ever.
                member.IsBanned = true;
                member.Process?.DiskWorker.StallUntil(VirtualTime.Never);
                member.Resume();
                _hanging.Add(member);
                break;
            case "as it was":
                _asTheyWere.Add(member);
                break;
        }

        foreach (var other in _cluster.Members.Where(m => m != member))
        {
            if (how is "cut off" or "deaf")
                _cluster.Network.Cut(other.Id, member.Id, VirtualTime.Never);
            if (how is "cut off" or "mute")
                _cluster.Network.Cut(member.Id, other.Id, VirtualTime.Never);
        }
    }

    private static void TakeDown(Member member, string why)
    {
        member.IsBanned = true;
        member.Kill(why);
    }

    private static void Heal(Member member)
    {
        member.Disk.Heal();
        member.Resume();
        member.Start();
    }

    private bool Led() => AreLed(_core);

    /// <summary>All of them know one leader in one term; if it is one of them, it knows so too.</summary>
    private static bool AreLed(List<Member> members)
    {
        if (members[0].Process is not { Core: { Leader: var leader, Term: var term } } || leader == NodeId.None)
            return false;
        foreach (var member in members)
        {
            if (member.Process is not { Core: var core } || core.Leader != leader || core.Term != term || (core.Self == leader && core.Role != Role.Leader))
                return false;
        }

        return true;
    }

    private bool Converged() => Led() && _core.TrueForAll(m =>
        m.Process is { } p && p.Core.LastIndex == _core[0].Process!.Core.LastIndex && p.Machine.Shown == p.Core.LastIndex && p.Core.DurableIndex == p.Core.LastIndex);

    private void Until(string what, long within, Func<bool> done)
    {
        if (!done() && !_cluster.Time.Run(_cluster.Time.Now + within, done))
            throw new ViolationException("Liveness", $"not within {within / 1e6} quiet seconds: {what}");
    }

    private void CheckStates()
    {
        var acknowledged = _cluster.Reigns.Acknowledged;
        var first = _core[0].Process!.Machine;
        foreach (var member in _core)
        {
            var process = member.Process!;
            Demand(process.Core.TermAt(acknowledged.Index) == acknowledged.Term, $"{member.Id} lacks {acknowledged}, which was acknowledged");
            Demand(process.Machine.IsLike(first), $"{member.Id} has come to another state than {_core[0].Id}");
        }

        _cluster.Chronicle.Mix(first.FinalStateInWords());
        _cluster.CheckDisks(acknowledged);
    }

    private static void Demand(bool holds, string what)
    {
        if (!holds)
            throw new ViolationException("Converged", what);
    }
}
