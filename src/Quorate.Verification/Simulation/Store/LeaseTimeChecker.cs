using Quorate.Kv;
using Quorate.Raft;
using Quorate.Verification.Simulation.Workload;

namespace Quorate.Verification.Simulation.Store;

/// <summary>
/// Checks that no lease that only a reaper ends ends early, counted from the first application of its last renewal anywhere, and that none
/// ends late.
/// </summary>
/// <remarks>
/// <code>
///   LeaseNotEarly     end ≥ renewal + TTL, by the fastest clock; not if a clock has jumped since the renewal
///   LeaseEndsInTime   end ≤ renewal + TTL, by the slowest clock, + election timeout + 2 s + interruptions + unwitnessed time
/// </code>
/// An interruption is a time in which nothing is committed, for example without a quorum. It is counted twice, and with a second more: the
/// time itself, which may not have been measured, and what it takes until rounds, proposals and elections succeed again. So is the time in
/// which a quarantined member leads, because it proposes nothing by itself until another member takes over.
///
/// Unwitnessed is the time since the last advance of the lease clock while no process is running that applied it in its term: all of them
/// have restarted, so no monotonic clock has measured the time since (docs/decisions/0032-lease-clock.md). Others commit entries meanwhile,
/// so this is no interruption. It ends with the next advance, and at the latest when a leader has had the time to propose it: a leader that
/// does not propose one excuses nothing, but one that is lost before takes what it has measured with it.
/// </remarks>
internal sealed class LeaseTimeChecker
{
    private const long CheckInterval = 100 * VirtualTime.Millisecond;
    private const long InterruptionMin = 800 * VirtualTime.Millisecond;
    private const long LateMax = 2 * VirtualTime.Second;

    /// <summary>
    /// The time, by its clock, within which a leader advances the lease clock even if it did not witness the last advance: two rounds of
    /// 250 ms behind the round in which its leadership is confirmed, the 500 ms that it waits, and 200 ms for what it commits.
    /// </summary>
    private const long LeaderAdvancesWithin = 1200 * VirtualTime.Millisecond;

    private readonly SimulatedCluster _cluster;
    private readonly Dictionary<long, Renewal> _renewals = [];
    private readonly double _drift;
    private readonly bool _checksLateness;
    private long _lastApplication;
    private long _interrupted;
    private long _countedUpTo = -1;

    // The times without a witness of the last advance, in their order; the last one is extended while it lasts.
    private readonly List<Interval> _unwitnessed = [];
    private bool _isUnwitnessed;
    private bool _isLeaderQuarantined;
    private EntryId _lastAdvance;
    private long _lastAdvanceAt;
    private SimulatedProcess? _leader;
    private Term _leaderTerm;
    private long _leadingSince;

    public LeaseTimeChecker(SimulatedCluster cluster)
    {
        _cluster = cluster;
        _drift = cluster.Swarm.DriftPerMille / 1000.0;
        _checksLateness = cluster.Swarm.CommitsQuickly;
        if (_checksLateness)
            _cluster.Time.ScheduleAfter(CheckInterval, CheckLateness);
    }

    /// <summary>Called when a command is applied anywhere for the first time.</summary>
    public void OnFirstApplied(EntryId entry, StoreResult result)
    {
        CountInterruption();
        _lastApplication = _cluster.Time.Now;
        switch (result.Kv.Response)
        {
            case LeaseGrantResponse granted:
                OnRenewed(granted.Lease);
                break;
            case LeaseRenewResponse renewed:
                OnRenewed(renewed.Lease);
                break;
            case LeaseRenewManyResponse many:
                foreach (var lease in many.Leases.Where(static l => l.TtlSeconds > 0))
                    OnRenewed(lease);
                break;
            case LeaseExpireResponse { Expired: true } expired when _renewals.Remove(expired.Id, out var renewal):
                CheckNotEarly(entry, renewal);
                break;
            case LeaseClockAdvanceResponse { IsAccepted: true }:
                if (_isUnwitnessed)
                    _unwitnessed[^1] = _unwitnessed[^1] with { To = _cluster.Time.Now };
                (_lastAdvance, _lastAdvanceAt, _isUnwitnessed) = (entry, _cluster.Time.Now, false);
                break;
        }
    }

    private void OnRenewed(Lease lease)
    {
        if (StoreWorkload.IsTimed(lease.Id))
            _renewals[lease.Id] = new Renewal(lease, _cluster.Time.Now, _interrupted, _cluster.ClockJumpCount);
    }

    private void CheckNotEarly(EntryId entry, Renewal renewal)
    {
        _cluster.Counters.Increment(StoreHistoryChecker.ExpiredByReaper);
        var age = _cluster.Time.Now - renewal.At;
        var ttl = renewal.Lease.TtlSeconds * VirtualTime.Second;
        if (renewal.ClockJumps == _cluster.ClockJumpCount && age * (1 + _drift) < ttl)
        {
            throw new ViolationException(
                "LeaseNotEarly", $"{renewal.Lease}, renewed at {renewal.At / 1e6} s, is ended by {entry} after {age / 1e6} s");
        }
    }

    private void CheckLateness()
    {
        CountInterruption();
        CountUnwitnessed();
        CountQuarantinedLeader();
        var now = _cluster.Time.Now;
        foreach (var (lease, at, interruptedBefore, _) in _renewals.Values)
        {
            var ttl = (long)(lease.TtlSeconds * VirtualTime.Second / (1 - _drift));
            var unwitnessed = _unwitnessed.Sum(i => Math.Max(0, i.To - Math.Max(i.From, at)));
            var latest = at + ttl + _cluster.Swarm.ElectionTimeout + LateMax + _interrupted - interruptedBefore + unwitnessed;
            if (now > latest)
            {
                throw new ViolationException(
                    "LeaseEndsInTime",
                    $"{lease}, renewed at {at / 1e6} s, still exists at {now / 1e6} s; interruptions since then count as " +
                    $"{(_interrupted - interruptedBefore) / 1e6} s, unwitnessed time as {unwitnessed / 1e6} s");
            }
        }

        _cluster.Time.ScheduleAfter(CheckInterval, CheckLateness);
    }

    /// <summary>Counts the time since the last application or check, if nothing has been applied for too long.</summary>
    private void CountInterruption()
    {
        var now = _cluster.Time.Now;
        if (now - _lastApplication < InterruptionMin)
            return;
        var from = Math.Max(_lastApplication, _countedUpTo);
        if (_countedUpTo <= _lastApplication)
            _interrupted += VirtualTime.Second;
        _interrupted += 2 * (now - from);
        _countedUpTo = now;
    }

    /// <summary>Counts the time in which a quarantined member leads, as an interruption: it proposes nothing by itself.</summary>
    private void CountQuarantinedLeader()
    {
        var wasQuarantined = _isLeaderQuarantined;
        _isLeaderQuarantined = _cluster.SelfReportedLeaders().Any(static m => m.IsQuarantined);
        if (_isLeaderQuarantined)
            _interrupted += (2 * CheckInterval) + (wasQuarantined ? 0 : VirtualTime.Second);
    }

    /// <summary>Counts the time since the last advance of the lease clock, if no running process witnessed it.</summary>
    private void CountUnwitnessed()
    {
        var now = _cluster.Time.Now;
        FollowLeader(now);
        var isOverdue = _leader is not null && now - _leadingSince > (long)(LeaderAdvancesWithin / (1 - _drift));
        if (_lastAdvance == EntryId.Zero || isOverdue || _cluster.Members.Any(m => m.Process is { } p && IsWitness(p)))
        {
            _isUnwitnessed = false;
            return;
        }

        if (_isUnwitnessed)
        {
            _unwitnessed[^1] = _unwitnessed[^1] with { To = now };
            return;
        }

        // The time in which a leader was overdue stays uncounted.
        var from = _unwitnessed.Count > 0 && _unwitnessed[^1].From >= _lastAdvanceAt ? now : _lastAdvanceAt;
        _unwitnessed.Add(new Interval(from, now));
        _isUnwitnessed = true;
    }

    private bool IsWitness(SimulatedProcess process) => !process.Core.IsQuarantined &&
        ((StateMachineHost<StoreStateMachine, StoreResult>)process.StateMachine).StateMachine.WitnessedAdvance == _lastAdvance;

    /// <summary>Notes since when the leader of the latest term leads.</summary>
    private void FollowLeader(long now)
    {
        var leader = _cluster.Members.Select(static m => m.Process).Where(static p => p is { Core.Role: Role.Leader })
            .MaxBy(static p => p!.Core.Term.Value);
        var term = leader?.Core.Term ?? Term.Zero;
        if (leader == _leader && term == _leaderTerm)
            return;
        (_leader, _leaderTerm, _leadingSince) = (leader, term, now);
    }

    private readonly record struct Interval(long From, long To);

    private sealed record Renewal(Lease Lease, long At, long InterruptedBefore, int ClockJumps);
}
