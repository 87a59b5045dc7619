using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>When each lease ends by the clock of one member, and when this member should advance the lease clock.</summary>
/// <remarks>
/// The age of a lease is the time since its renewal was committed. This class has two lower bounds of it: the time since this member has
/// applied the renewal, and what the <see cref="LeaseClock"/> shows, plus the time since this member has applied its last advance. The
/// first is exact for a member that applied the renewal when it was committed, the second bounds the delay after a restart. A deadline
/// follows from the larger one, so it is never early, whatever the member missed. docs/decisions/0032-lease-clock.md has the proof.
/// Shape: all times are readings of one monotonic clock of this member, whose zero does not matter.
/// Threading: one call at a time; the class has no clock and no lock of its own.
/// </remarks>
public sealed class LeaseDeadlines
{
    /// <summary>How often a member calls <see cref="Measure"/> and <see cref="GetExpired"/>: the period of its lease reaper.</summary>
    public static TimeSpan RoundPeriod { get; } = TimeSpan.FromMilliseconds(250);

    /// <summary>A member measures an advance for longer than a round, so a leader proposes one in every second round.</summary>
    private static readonly TimeSpan MeasuredMin = TimeSpan.FromMilliseconds(300);

    /// <summary>
    /// A leader that did not apply the last advance when it was committed, because it was down, waits this long for another member to
    /// propose the next one, which it does in its next round. The other member has measured the whole time, this one only a part of it.
    /// </summary>
    private static readonly TimeSpan UntimelyLeaderWait = RoundPeriod + TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// The lateness of deadlines that is not corrected, because a correction visits all leases. The time of a commit varies by as much.
    /// </summary>
    private static readonly TimeSpan LatenessMax = TimeSpan.FromMilliseconds(100);

    private readonly Dictionary<long, Entry> _byId = [];

    // One item for each lease, at its deadline or before: a renewal only changes the entry, and the item moves when its time has come.
    // Items of leases that have ended are dropped then too, or earlier, when they are as many as the leases.
    private PriorityQueue<long, TimeSpan> _queue = new();
    private LeaseClock _clock;
    private Advance _last;

    // By how much the lease clock has advanced more than this member's clock since the deadlines were corrected: then they are that late.
    private TimeSpan _lateness;

    /// <summary>Creates an empty instance.</summary>
    /// <param name="now">The current time.</param>
    public LeaseDeadlines(TimeSpan now) => _last = new Advance(EntryId.Zero, now, IsTimely: true);

    /// <summary>The number of leases.</summary>
    public int Count => _byId.Count;

    /// <summary>Follows an applied command: it may have granted, renewed or ended leases, or advanced the lease clock.</summary>
    /// <param name="entry">The log entry of the command.</param>
    /// <param name="response">The response to the command; null if it failed.</param>
    /// <param name="now">The current time.</param>
    /// <param name="term">
    /// The term of this member; zero while it replays its log at a start. It shows whether the entry has just been committed.
    /// </param>
    public void OnApplied(EntryId entry, KvResponse? response, TimeSpan now, Term term)
    {
        switch (response)
        {
            case LeaseGrantResponse granted:
                SetRenewed(granted.Lease, now);
                break;
            case LeaseRenewResponse renewed:
                SetRenewed(renewed.Lease, now);
                break;
            case LeaseRenewManyResponse { Leases: var leases }:
                for (var i = 0; i < leases.Count; i++)
                {
                    if (leases[i].TtlSeconds > 0)
                        SetRenewed(leases[i], now);
                }

                break;
            case LeaseRevokeResponse revoked:
                _byId.Remove(revoked.Id);
                break;
            case LeaseExpireResponse { Expired: true } expired:
                _byId.Remove(expired.Id);
                break;
            case LeaseClockAdvanceResponse { IsAccepted: true } advanced:
                OnAdvanced(entry, advanced, now, term);
                break;
        }
    }

    /// <summary>Replaces all leases and the lease clock, because the store has been restored from a snapshot.</summary>
    /// <param name="clock">The lease clock of the restored store.</param>
    /// <param name="leases">Its leases.</param>
    /// <param name="now">The current time; the snapshot had been received before.</param>
    /// <remarks>
    /// Everything in the snapshot was committed before <paramref name="now"/>, so both lower bounds of an age hold as if this member had
    /// applied the renewals and the last advance now. A renewal or an advance that it has applied itself, and that is still the last one,
    /// keeps its earlier time. This member did not apply another advance when it was committed, so it lets others measure the next one
    /// first.
    /// </remarks>
    public void OnRestored(in LeaseClock clock, IReadOnlyList<Lease> leases, TimeSpan now)
    {
        var known = new Dictionary<long, Entry>(_byId);
        _byId.Clear();
        _queue.Clear();
        if (clock.LastAdvance != _last.Entry.Index)
            _last = new Advance(new EntryId(Term.Zero, clock.LastAdvance), now, IsTimely: false);
        (_clock, _lateness) = (clock, TimeSpan.Zero);
        for (var i = 0; i < leases.Count; i++)
        {
            var lease = leases[i];
            ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_byId, lease.Id, out _);
            entry.Lease = lease;
            entry.Queued = TimeSpan.MaxValue;
            entry.Deadline = known.TryGetValue(lease.Id, out var before) && before.Lease.RenewedAt == lease.RenewedAt
                ? before.Deadline
                : now + TimeSpan.FromSeconds(lease.TtlSeconds);
            LowerDeadline(ref entry);
            EnqueueAtDeadline(ref entry);
        }
    }

    /// <summary>
    /// Called when an advance that this member proposed was accepted: the next measurement then begins where that one ended.
    /// </summary>
    /// <param name="at">The entry of the advance.</param>
    /// <param name="measuredAt">The time up to which it was measured.</param>
    public void OnOwnAdvanceAccepted(LogIndex at, TimeSpan measuredAt)
    {
        if (_last.Entry.Index == at)
            _last = _last with { MeasuredFrom = measuredAt };
    }

    /// <summary>Returns leases whose time is over.</summary>
    /// <param name="now">The current time.</param>
    /// <param name="maxCount">The maximum number of leases to return.</param>
    public List<Lease> GetExpired(TimeSpan now, int maxCount)
    {
        var expired = new List<Lease>();
        while (expired.Count < maxCount && _queue.TryPeek(out var id, out var queued) && queued <= now)
        {
            _queue.Dequeue();
            ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(_byId, id);
            if (Unsafe.IsNullRef(ref entry) || entry.Queued != queued)
                continue;
            if (entry.Deadline <= now)
            {
                expired.Add(entry.Lease);
                continue;
            }

            entry.Queued = entry.Deadline;
            _queue.Enqueue(id, entry.Deadline);
        }

        // An expiry that is proposed may fail, so the lease stays in the queue until its end is applied.
        foreach (var lease in expired)
            _queue.Enqueue(lease.Id, _byId[lease.Id].Queued);
        return expired;
    }

    /// <summary>Returns the time until a lease ends: zero if it is over, null if the lease does not exist.</summary>
    public TimeSpan? Remaining(long id, TimeSpan now)
    {
        if (!_byId.TryGetValue(id, out var entry))
            return null;
        var remaining = entry.Deadline - now;
        return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
    }

    /// <summary>
    /// Corrects the deadlines of all leases if the lease clock has advanced by more than this member's own clock: after a start, and after
    /// this member lagged behind.
    /// </summary>
    public void Refresh()
    {
        if (_lateness <= LatenessMax)
            return;
        foreach (var id in _byId.Keys)
            LowerDeadline(ref CollectionsMarshal.GetValueRefOrNullRef(_byId, id));
        _lateness = TimeSpan.Zero;
    }

    /// <summary>Returns the advance of the lease clock that this member should propose now, or null.</summary>
    /// <param name="now">The current time.</param>
    /// <param name="term">The term of this member.</param>
    /// <param name="leadingSince">
    /// The time since which this member leads and has committed an entry of its term; null if it does not.
    /// </param>
    /// <remarks>
    /// The leader advances the clock. After a change of leader, all members that have applied the last advance when it was committed
    /// propose the first one, because the new leader may have been down in between. Only the first of them that is committed has an effect.
    /// </remarks>
    public LeaseClockMeasurement? Measure(TimeSpan now, Term term, TimeSpan? leadingSince)
    {
        if (_byId.Count == 0 || now - _last.AppliedAt < MeasuredMin)
            return null;
        var isDue = leadingSince is { } since
            ? _last.IsTimely || now - since >= UntimelyLeaderWait
            : _last.IsTimely && _last.Entry.Term < term;
        if (!isDue)
            return null;

        var milliseconds = ToMilliseconds(now - _last.MeasuredFrom);
        var advance = new LeaseClockAdvanceRequest(
            _last.Entry.Index, milliseconds, long.Min(milliseconds, ToMilliseconds(now - _last.AppliedAt)));

        // Whole milliseconds: the remainder belongs to the next measurement.
        return new LeaseClockMeasurement(advance, _last.MeasuredFrom + ToTimeSpan(milliseconds));
    }

    private void OnAdvanced(EntryId entry, LeaseClockAdvanceResponse advanced, TimeSpan now, Term term)
    {
        var lateness = _lateness + ToTimeSpan(advanced.Clock.Milliseconds - _clock.Milliseconds) - (now - _last.AppliedAt);
        _lateness = lateness > TimeSpan.Zero ? lateness : TimeSpan.Zero;
        _clock = advanced.Clock;
        _last = new Advance(entry, now, entry.Term == term);
        for (var i = 0; i < advanced.Anchored.Count; i++)
        {
            var lease = advanced.Anchored[i];
            ref var known = ref CollectionsMarshal.GetValueRefOrNullRef(_byId, lease.Id);
            if (Unsafe.IsNullRef(ref known))
                continue;
            known.Lease = lease;
            LowerDeadline(ref known);
        }
    }

    private void SetRenewed(in Lease lease, TimeSpan now)
    {
        ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_byId, lease.Id, out var exists);
        entry.Lease = lease;
        entry.Deadline = now + TimeSpan.FromSeconds(lease.TtlSeconds);
        if (!exists)
            entry.Queued = TimeSpan.MaxValue;
        EnqueueAtDeadline(ref entry);
    }

    /// <summary>Lowers the deadline of a lease to the one that follows from the lease clock, if that is earlier.</summary>
    private void LowerDeadline(ref Entry entry)
    {
        if (entry.Lease.ClockAnchor is not { } anchor)
            return;
        var age = ToTimeSpan(long.Min(_clock.Milliseconds - anchor, LeaseClockAdvanceRequest.MaxMilliseconds));
        var deadline = _last.AppliedAt + TimeSpan.FromSeconds(entry.Lease.TtlSeconds) - age;
        if (deadline >= entry.Deadline)
            return;
        entry.Deadline = deadline;
        EnqueueAtDeadline(ref entry);
    }

    private void EnqueueAtDeadline(ref Entry entry)
    {
        if (entry.Deadline >= entry.Queued)
            return;
        entry.Queued = entry.Deadline;
        _queue.Enqueue(entry.Lease.Id, entry.Deadline);
        if (_queue.Count > 1024 + (2 * _byId.Count))
            _queue = new PriorityQueue<long, TimeSpan>(_byId.Values.Select(static e => (e.Lease.Id, e.Queued)));
    }

    private static long ToMilliseconds(TimeSpan span) =>
        long.Min(span.Ticks / TimeSpan.TicksPerMillisecond, LeaseClockAdvanceRequest.MaxMilliseconds);

    private static TimeSpan ToTimeSpan(long milliseconds) =>
        new(long.Min(milliseconds, LeaseClockAdvanceRequest.MaxMilliseconds) * TimeSpan.TicksPerMillisecond);

    private struct Entry
    {
        public Lease Lease;
        public TimeSpan Deadline;
        public TimeSpan Queued;
    }

    /// <summary>The last advance of the lease clock.</summary>
    /// <param name="Entry">Its log entry; zero before the first one.</param>
    /// <param name="AppliedAt">When this member applied it; before the first one, when this instance was created.</param>
    /// <param name="IsTimely">
    /// Whether this member applied it in the term in which it was committed, and so at once. True before the first one.
    /// </param>
    private readonly record struct Advance(EntryId Entry, TimeSpan AppliedAt, bool IsTimely)
    {
        /// <summary>
        /// The time from which the next advance is measured: when this member applied the last one, or, if it was its own, where that
        /// measurement ended. So the time that a commit takes is not lost each time.
        /// </summary>
        public TimeSpan MeasuredFrom { get; init; } = AppliedAt;
    }
}

/// <summary>An advance of the lease clock that a member has measured.</summary>
/// <param name="Request">The request to propose.</param>
/// <param name="At">The time up to which it was measured, by the clock of the member.</param>
public readonly record struct LeaseClockMeasurement(LeaseClockAdvanceRequest Request, TimeSpan At);
