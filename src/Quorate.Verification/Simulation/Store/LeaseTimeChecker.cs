using Quorate.Kv;
using Quorate.Raft;

namespace Quorate.Verification.Simulation.Store;

/// <summary>
/// Checks that no lease that only a reaper ends ends early, counted from the first application of its last renewal anywhere, and that none
/// ends late.
/// </summary>
/// <remarks>
/// <code>
///   LeaseNotEarly     end ≥ renewal + TTL, by the fastest clock; not if a clock has jumped since the renewal
///   LeaseEndsInTime   end ≤ renewal + TTL, by the slowest clock, + election timeout + 2 s + interruptions
/// </code>
/// An interruption is a time in which nothing is committed, for example without a quorum. It is counted twice, and with a second more: the
/// time itself, which may not have been measured, and what it takes until rounds, proposals and elections succeed again.
/// </remarks>
internal sealed class LeaseTimeChecker
{
    private const long CheckInterval = 100 * VirtualTime.Millisecond;
    private const long InterruptionMin = 800 * VirtualTime.Millisecond;
    private const long LateMax = 2 * VirtualTime.Second;

    private readonly SimulatedCluster _cluster;
    private readonly Dictionary<long, Renewal> _renewals = [];
    private readonly double _drift;
    private readonly bool _checksLateness;
    private long _lastApplication;
    private long _interrupted;
    private long _countedUpTo = -1;

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
        var now = _cluster.Time.Now;
        foreach (var (lease, at, interruptedBefore, _) in _renewals.Values)
        {
            var ttl = (long)(lease.TtlSeconds * VirtualTime.Second / (1 - _drift));
            var latest = at + ttl + _cluster.Swarm.ElectionTimeout + LateMax + _interrupted - interruptedBefore;
            if (now > latest)
            {
                throw new ViolationException(
                    "LeaseEndsInTime",
                    $"{lease}, renewed at {at / 1e6} s, still exists at {now / 1e6} s; interruptions since then count as " +
                    $"{(_interrupted - interruptedBefore) / 1e6} s");
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

    private sealed record Renewal(Lease Lease, long At, long InterruptedBefore, int ClockJumps);
}
