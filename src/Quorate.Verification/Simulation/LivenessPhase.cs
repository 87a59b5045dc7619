using Quorate.Raft;

namespace Quorate.Verification.Simulation;

/// <summary>
/// The end of a run: all members are repaired, or a majority of them while the rest stays faulty. In bounded virtual time the repaired
/// members must elect a leader, commit, complete the clients' requests and reach the same state. After that the leader must keep its
/// leadership (LivenessPhase.Stability.cs).
/// </summary>
internal sealed partial class LivenessPhase
{
    /// <summary>
    /// How long the clients go on while members catch up. The time allowed for that is minutes where links and disks are slow, and what
    /// the clients write meanwhile would make every further snapshot larger: a run that fails would take hours to say so.
    /// </summary>
    private const long CatchUpLoadTime = 60 * VirtualTime.Second;

    private readonly SimulatedCluster _cluster;
    private readonly Prng _prng;
    private readonly List<SimulatedMachine> _healthy;
    private readonly List<SimulatedMachine> _faulty;
    private readonly List<SimulatedMachine> _unrepaired = [];
    private readonly List<SimulatedMachine> _withHungDisk = [];

    public LivenessPhase(SimulatedCluster cluster, ulong seed)
    {
        _cluster = cluster;
        _prng = Prng.Derive(seed, "quiet");

        // A process notices what is corrupt when it starts; it repairs that, or does not start.
        foreach (var member in cluster.Members.Where(m => cluster.FaultAtlas.IsCorrupted(m.Id)))
        {
            member.Kill("to find what is corrupt on its disk");
            Repair(member);
        }

        // A new leader searches afresh for what its followers have, so in half of the runs nothing forces an election: what a leader of the
        // fault phase assumes of its followers must not keep it from catching them up.
        var keepsLeader = Prng.Derive(seed, "leader kept into the quiet").Chance(500);
        var members = cluster.Members.ToList();
        _prng.Shuffle(members);
        var faultyCount = _prng.Chance(500) && cluster.Swarm.MinorityStaysFaulty ? _prng.Next(0, ((members.Count - 1) / 2) + 1) : 0;

        // The first members become faulty. In half of the runs the leader comes first, because its failure has the largest effect. Members
        // that do not start any more, or that their peers reject, come before it and always count as faulty. Then come members with
        // corrupted disks: while they repair them they do not vote, and a majority is needed besides them.
        if (_prng.Chance(500) && cluster.SelfReportedLeaders().MaxBy(static m => m.Process!.Core.Term) is { } leader)
            members = [leader, .. members.Where(m => m != leader)];
        if (keepsLeader && cluster.SelfReportedLeaders().MaxBy(static m => m.Process!.Core.Term) is { } kept)
            members = [.. members.Where(m => m != kept), kept];
        members = [.. members.OrderBy(m => !IsLost(m)).ThenBy(m => !cluster.FaultAtlas.IsCorrupted(m.Id))];
        faultyCount = Math.Max(faultyCount, members.Count(IsLost));
        _faulty = members[..faultyCount];
        _healthy = members[faultyCount..];
    }

    public void Run()
    {
        _cluster.EnterLivenessPhase();
        foreach (var member in _faulty)
            MakeFaulty(member);
        foreach (var member in _healthy)
            Repair(member);

        // A disk that stalled before completes its calls within ten seconds; the rest is for elections, some of them with split votes, and
        // for the restarts of members whose votes they need.
        var electionTime = (12 * VirtualTime.Second) + (20 * _cluster.Swarm.ElectionTimeout);
        if (_cluster.Swarm.ChangesMembers)
            WaitForMembers(2 * electionTime);
        RunUntil("a leader is elected and all repaired members follow it", electionTime, HealthyAreLed);
        var catchUpTime = RunUntilCaughtUp(electionTime);
        RunUntil(
            "every client request has completed or timed out",
            (4 * VirtualTime.Second) + _cluster.Swarm.FarRequestTime,
            () => _cluster.Clients.TrueForAll(static c => c.IsIdle));

        CheckQuarantine();
        var probes = _healthy.Where(static m => !m.IsQuarantined)
            .Select((m, i) => _cluster.Application.CreateClient(_cluster, 1000 + i, m)).ToList();

        // At random, the first of many requests is a read or a write; a far member completes only a few of them in a second.
        var probeTime = (20 * VirtualTime.Second) + (60 * _cluster.Swarm.FarRequestTime);
        RunUntil("a write and a read succeed at every repaired member", probeTime, () =>
        {
            foreach (var probe in probes)
                probe.IsStopped = probe.CommittedCount > 0 && probe.GrantedCount > 0;
            return probes.TrueForAll(static p => p.IsStopped && p.IsIdle);
        });

        // What members propose by themselves would otherwise go on, and there might be no moment in which all of them have the same log.
        foreach (var client in _cluster.MemberClients)
            client.IsStopped = true;
        RunUntil("the repaired members have converged", (20 * VirtualTime.Second) + catchUpTime, Converged);
        RunUntil(
            "all limits are free again",
            (4 * VirtualTime.Second) + _cluster.Swarm.FarRequestTime,
            () => Converged() && _healthy.TrueForAll(static m => m.Process!.IsSettled));
        CheckStates();
        CheckStability();
    }

    private static bool IsLost(SimulatedMachine member) => member.StaysDown || member.IsWiped;

    private void MakeFaulty(SimulatedMachine member)
    {
        var failure = _prng.Pick("down", "cut off", "deaf", "mute", "disk hangs", "as it was");
        _cluster.EventLog.Record(member.Id, "stays broken:", failure);
        _cluster.Counters.Increment("broken: " + failure);
        switch (failure)
        {
            case "down":
                TakeDown(member, "broken for good");
                break;
            case "disk hangs":
                // A process that starts on such a disk would wait forever.
                member.StaysDown = true;
                member.Process?.DiskWorker.StallUntil(VirtualTime.Never);
                member.Resume();
                _withHungDisk.Add(member);
                break;
            case "as it was":
                _unrepaired.Add(member);
                break;
        }

        foreach (var other in _cluster.Members.Where(m => m != member))
        {
            if (failure is "cut off" or "deaf")
                _cluster.Network.Cut(other.Id, member.Id, VirtualTime.Never);
            if (failure is "cut off" or "mute")
                _cluster.Network.Cut(member.Id, other.Id, VirtualTime.Never);
        }
    }

    private static void TakeDown(SimulatedMachine member, string reason)
    {
        member.StaysDown = true;
        member.Kill(reason);
    }

    private static void Repair(SimulatedMachine member)
    {
        member.Disk.ClearFaults();
        member.Resume();
        member.Start();
    }

    /// <summary>
    /// Keeps the clients going, for <see cref="CatchUpLoadTime"/> at the most, until each repaired follower has reached the commit index of
    /// this moment. A follower that takes too long is reported by <see cref="Checks.CatchUpChecker"/>, which does not count the time in
    /// which a disk is still stalled. Returns the time that was allowed without a stalled disk.
    /// </summary>
    private long RunUntilCaughtUp(long stallTime)
    {
        var (isDone, deadline) = _cluster.CatchUp.CatchUpOf(_healthy);
        var time = Math.Max(0, deadline - _cluster.Time.Now);
        if (!isDone())
            _cluster.Time.Run(_cluster.Time.Now + Math.Min(time, CatchUpLoadTime), isDone);
        StopClients();
        RunUntil("each repaired follower has caught up", time + stallTime, isDone);
        return time;
    }

    private void StopClients()
    {
        foreach (var client in _cluster.Clients)
            client.IsStopped = true;
    }

    private bool HealthyAreLed() => AreLed(_healthy);

    /// <summary>
    /// Returns whether the members all follow the same leader in the same term; a leader among them must have the leader role itself.
    /// </summary>
    private static bool AreLed(List<SimulatedMachine> members)
    {
        if (members[0].Process is not { Core: { Leader: var leader, Term: var term } } || leader == NodeId.None)
            return false;
        foreach (var member in members)
        {
            if (member.Process is not { Core: var core } || core.Leader != leader || core.Term != term ||
                (core.Self == leader && core.Role != Role.Leader))
            {
                return false;
            }
        }

        return true;
    }

    private bool Converged() => HealthyAreLed() && _healthy.TrueForAll(m =>
        m.Process is { } p &&
        p.Core.LastIndex == _healthy[0].Process!.Core.LastIndex &&
        p.StateMachine.VisibleIndex == p.Core.LastIndex &&
        !p.Core.IsRepairing &&
        p.Core.DurableIndex == p.Core.LastIndex);

    /// <summary>
    /// A repaired member whose state is altered must be quarantined if the other repaired members are a majority, and their clients write.
    /// Without that majority there must be an alarm.
    /// </summary>
    private void CheckQuarantine()
    {
        if (_cluster.Altered is not { } altered || !_healthy.Contains(altered) || altered.Process is not { StateMachine.IsAltered: true })
            return;
        var hasMajority = 2 * (_healthy.Count - 1) > _cluster.Members.Count;
        if (!hasMajority && _healthy.Count == 1)
            return;

        // Clients write until the next comparisons: a member may have been away at the last one.
        var clients = _healthy.Where(static m => !m.IsQuarantined)
            .Select((m, i) => _cluster.Application.CreateClient(_cluster, 2000 + i, m)).ToList();
        RunUntil(
            hasMajority ? "the member whose state is altered is quarantined" : "the members notice that their states differ",
            600 * VirtualTime.Second,
            () => altered.IsQuarantined || altered.Process is not { StateMachine.IsAltered: true }
                || (!hasMajority && _healthy.TrueForAll(static m => m.Process is { Group.Divergence.Level: > 0 })));
        foreach (var client in clients)
            client.IsStopped = true;
        RunUntil(
            "the clients are idle", (20 * VirtualTime.Second) + _cluster.Swarm.FarRequestTime,
            () => clients.TrueForAll(static c => c.IsIdle));
    }

    private void RunUntil(string goal, long within, Func<bool> done)
    {
        if (!done() && !_cluster.Time.Run(_cluster.Time.Now + within, done))
            throw new ViolationException("Liveness", $"not within {within / 1e6} s of the liveness phase: {goal}");
    }

    private void CheckStates()
    {
        var acknowledged = _cluster.LeaderHistory.Acknowledged;
        var first = _healthy[0].Process!.StateMachine;
        foreach (var member in _healthy)
        {
            var process = member.Process!;
            var hasAcknowledged = acknowledged.Index < process.Core.CompactedIndex
                || process.Core.TermAt(acknowledged.Index) == acknowledged.Term;
            Require(hasAcknowledged, $"{member.Id} lacks the acknowledged entry {acknowledged}");
            Require(process.StateMachine.HasSameState(first), $"the final state of {member.Id} differs from that of {_healthy[0].Id}");
        }

        _cluster.EventLog.AddToHash(first.DescribeFinalState());
        _cluster.CheckDisks(acknowledged);
    }

    private static void Require(bool holds, string failure)
    {
        if (!holds)
            throw new ViolationException("Converged", failure);
    }
}
