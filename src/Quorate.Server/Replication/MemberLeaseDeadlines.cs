using Quorate.Kv;
using Quorate.Raft;

namespace Quorate.Server.Replication;

/// <summary>The <see cref="LeaseDeadlines"/> of this member, by its monotonic clock.</summary>
/// <remarks>
/// Only the leader acts on them, see <see cref="LeaseReaper"/>; other members use them to report the remaining TTL.
/// Threading: the applier updates, any thread reads.
/// </remarks>
internal sealed class MemberLeaseDeadlines
{
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private readonly Lock _lock = new();
    private readonly LeaseDeadlines _deadlines;
    private Func<Term> _readTerm = static () => Term.Zero;

    public MemberLeaseDeadlines(TimeProvider time)
    {
        _time = time;
        _epoch = time.GetTimestamp();
        _deadlines = new LeaseDeadlines(Now);
    }

    /// <summary>The time by the clock of the deadlines.</summary>
    public TimeSpan Now => _time.GetElapsedTime(_epoch);

    /// <summary>
    /// Sets how the term of the node is read. Without it, while the node replays its log at the start, commands are not taken for such as
    /// have just been committed.
    /// </summary>
    public void OnStarted(Func<Term> readTerm) => Volatile.Write(ref _readTerm, readTerm);

    /// <inheritdoc cref="LeaseDeadlines.OnApplied"/>
    public void OnApplied(EntryId entry, KvResponse? response)
    {
        if (response is not (LeaseGrantResponse or LeaseRenewResponse or LeaseRenewManyResponse or LeaseRevokeResponse
            or LeaseExpireResponse or LeaseClockAdvanceResponse))
            return;
        var term = Volatile.Read(ref _readTerm)();
        lock (_lock)
            _deadlines.OnApplied(entry, response, Now, term);
    }

    /// <summary>Replaces all leases and the lease clock by those of a store that has been restored from a snapshot.</summary>
    public void OnRestored(KvSnapshot store)
    {
        lock (_lock)
            _deadlines.OnRestored(store.LeaseClock, store.Leases(), Now);
    }

    /// <inheritdoc cref="LeaseDeadlines.OnOwnAdvanceAccepted"/>
    public void OnOwnAdvanceAccepted(LogIndex at, TimeSpan measuredAt)
    {
        lock (_lock)
            _deadlines.OnOwnAdvanceAccepted(at, measuredAt);
    }

    /// <summary>Corrects the deadlines, and returns the expired leases and the advance of the lease clock that is due.</summary>
    /// <param name="term">The term of this member.</param>
    /// <param name="leadingSince">
    /// The time since which this member leads and has committed an entry of its term; null if it does not: then no lease is returned.
    /// </param>
    /// <param name="maxCount">The maximum number of leases.</param>
    public (List<Lease> Expired, LeaseClockMeasurement? Advance) GetDue(Term term, TimeSpan? leadingSince, int maxCount)
    {
        lock (_lock)
        {
            var now = Now;
            _deadlines.Refresh();
            return (leadingSince is null ? [] : _deadlines.GetExpired(now, maxCount), _deadlines.Measure(now, term, leadingSince));
        }
    }

    /// <summary>Returns the remaining TTL of a lease: zero if it is overdue, null if the lease is unknown.</summary>
    public TimeSpan? Remaining(long id)
    {
        lock (_lock)
            return _deadlines.Remaining(id, Now);
    }
}
