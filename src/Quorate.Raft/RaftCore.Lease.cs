namespace Quorate.Raft;

/// <summary>Leader leases: voters grant the leader a time in which they elect no other, so that it may read without a round.</summary>
/// <remarks>
/// <code>
///   leader                                              follower
///   AppendEntries: stamp s, lease D ──────────────────► grants the lease: it votes for no other candidate for D from now, by its ticks
///      ▲ s: its clock when it sent                ◄──── reply: s, when the length of the lease is on its disk
///
///   a quorum, the leader included, has granted since s: no other leader is elected before s + D, however far the clocks differ in rate,
///   if D is shortened by the bound on that (the driver does it)
/// </code>
/// Stickiness (thesis §4.2.3) is not enough. It ends when the connection of the leader is closed, when a later term becomes known, and with
/// a restart; a granted lease ends with none of them. A restarted member does not know when it granted its last lease, but its hard state
/// has the longest one it may have granted: it waits for so long before it votes.
/// The one exception is a leadership transfer: the leader gives its lease up before it sends TimeoutNow, and the marked votes are granted.
/// A transfer that failed may still succeed later. So the leader has a lease again only when it has committed an entry after the one that
/// TimeoutNow named: the target, which lacks it, cannot be elected any more (Leader Completeness).
/// The core has no clock: the stamp comes with <see cref="Input.EndOfIterationAt"/>, and a follower's ticks run late rather than early.
/// Source: thesis §6.4.1; Gray and Cheriton, "Leases" (SOSP 1989).
/// </remarks>
public sealed partial class RaftCore
{
    /// <summary>The most ticks that a driver may deliver at once, because they were due before.</summary>
    /// <remarks>A follower counts so many ticks more than its lease lasts: they may have passed before it granted the lease.</remarks>
    public const int LateTicksMax = 10;

    /// <summary>At a leader, its clock as of the last iteration; 0: not known.</summary>
    private ulong _clock;

    /// <summary>The tick before which this node elects no other leader than the one to which it granted a lease.</summary>
    private ulong _leaseGrantedUntil;

    /// <summary>The longest lease that this node may have granted, as in the hard state.</summary>
    private uint _leaseMilliseconds;

    /// <summary>The last index that this leader has named in a TimeoutNow; 0: it has sent none in its term.</summary>
    private LogIndex _timeoutNowIndex;

    /// <summary>
    /// The clock of this leader at which it sent what a quorum has granted it a lease for; 0: it has no lease. No other leader is elected
    /// until <see cref="RaftOptions.LeaseDuration"/> later, by a clock that runs as fast as that of any other member.
    /// </summary>
    public ulong LeaseStart
    {
        get
        {
            var isOff = _role != Role.Leader || _clock == 0 || _options.LeaseDuration == TimeSpan.Zero || _isQuarantined;
            if (isOff || _transferTarget != NodeId.None || _commit < _termStart || _commit <= _timeoutNowIndex)
                return 0;
            return Quorum.Reached(_configuration, new VoterLeaseStamps(this));
        }
    }

    /// <summary>Whether this node must not help to elect another leader, itself included.</summary>
    private bool HasGrantedLease => _now < _leaseGrantedUntil && _role != Role.Leader;

    private int GrantedLeaseTicks => _now < _leaseGrantedUntil ? (int)(_leaseGrantedUntil - _now) : 0;

    private void OnClock(ulong clock)
    {
        if (_role == Role.Leader)
            _clock = Math.Max(_clock, clock);
    }

    private void RequestLease(AppendEntries append)
    {
        if (_clock == 0 || _options.LeaseDuration == TimeSpan.Zero)
            return;
        append.LeaseStamp = _clock;
        append.LeaseMilliseconds = (uint)_options.LeaseDuration.TotalMilliseconds;
    }

    /// <summary>Grants the lease that a message of the leader requests; returns its stamp, or 0 if none is granted.</summary>
    private ulong GrantLease(AppendEntries append)
    {
        if (append.LeaseMilliseconds == 0)
        {
            ForgetLeases();
            return 0;
        }

        // A lease longer than the election timeout would delay elections that are due.
        var ticks = _options.LeaseTicks(append.LeaseMilliseconds);
        if (ticks > _options.ElectionTicks)
            return 0;
        if (append.LeaseMilliseconds > _leaseMilliseconds)
        {
            _leaseMilliseconds = append.LeaseMilliseconds;
            StageHardState();
        }

        _leaseGrantedUntil = Math.Max(_leaseGrantedUntil, _now + (ulong)ticks);
        return append.LeaseStamp;
    }

    /// <summary>
    /// The leader requests no leases: once the last one has ended, a restart need not wait, and a build without leases can be started.
    /// </summary>
    private void ForgetLeases()
    {
        if (_leaseMilliseconds == 0 || _now < _leaseGrantedUntil)
            return;
        _leaseMilliseconds = 0;
        StageHardState();
    }

    /// <summary>A process of this node may have granted a lease just before it ended.</summary>
    private void RestoreLease()
    {
        if (_leaseMilliseconds > 0)
            _leaseGrantedUntil = (ulong)_options.LeaseTicks(_leaseMilliseconds);
    }

    /// <summary>The last stamp that each voter has granted a lease for; the leader itself votes for no other while it leads.</summary>
    private readonly struct VoterLeaseStamps(RaftCore core) : IVoterValues
    {
        public ulong Of(NodeId voter)
        {
            if (!core.IsCounted(voter))
                return 0;
            return voter == core._self ? core._clock : core.FollowerOf(voter)?.LeaseStamp ?? 0;
        }
    }
}
