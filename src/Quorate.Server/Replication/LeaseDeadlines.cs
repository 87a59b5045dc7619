using System.Runtime.InteropServices;
using Quorate.Kv;

namespace Quorate.Server.Replication;

/// <summary>The expiry deadline of each lease, by this member's monotonic clock.</summary>
/// <remarks>
/// The store has no clock, so every member records when it applied a grant or a renewal. Deadlines are not persisted: a replay after a
/// restart records them again, with the full TTL. A deadline is therefore never early, and late only by the time that the member lagged
/// behind. Only the leader acts on its deadlines, see <see cref="LeaseReaper"/>; other members use them to report the remaining TTL.
/// Threading: the applier updates, any thread reads.
/// </remarks>
internal sealed class LeaseDeadlines
{
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private readonly Lock _lock = new();
    private readonly Dictionary<long, LeaseDeadline> _byId = [];

    // Ordered by deadline, then by id. A renewal moves the lease's entry, so there is exactly one entry per lease.
    private readonly SortedSet<(TimeSpan Deadline, long Id)> _byDeadline = [];

    public LeaseDeadlines(TimeProvider time)
    {
        _time = time;
        _epoch = time.GetTimestamp();
    }

    private TimeSpan Now => _time.GetElapsedTime(_epoch);

    /// <summary>Updates the deadline of the lease that an applied command granted, renewed, revoked or expired, if any.</summary>
    public void OnApplied(KvResponse? applied)
    {
        switch (applied)
        {
            case LeaseGrantResponse granted:
                SetDeadline(granted.Lease);
                break;
            case LeaseRenewResponse renewed:
                SetDeadline(renewed.Lease);
                break;
            case LeaseRevokeResponse revoked:
                Remove(revoked.Id);
                break;
            case LeaseExpireResponse { Expired: true } expired:
                Remove(expired.Id);
                break;
        }
    }

    /// <summary>
    /// Restarts the full TTL of every lease. Used by a new leader, which cannot know which renewals were lost with the old leader (etcd:
    /// promote).
    /// </summary>
    public void ExtendAll()
    {
        lock (_lock)
        {
            _byDeadline.Clear();
            var now = Now;
            foreach (var id in _byId.Keys)
            {
                ref var entry = ref CollectionsMarshal.GetValueRefOrNullRef(_byId, id);
                entry = entry with { Deadline = now + TimeSpan.FromSeconds(entry.Lease.TtlSeconds) };
                _byDeadline.Add((entry.Deadline, id));
            }
        }
    }

    /// <summary>Returns expired leases, the longest overdue first.</summary>
    public List<Lease> GetExpired(int maxCount)
    {
        var expired = new List<Lease>();
        lock (_lock)
        {
            var now = Now;
            foreach (var (deadline, id) in _byDeadline)
            {
                if (deadline > now || expired.Count == maxCount)
                    break;
                expired.Add(_byId[id].Lease);
            }
        }

        return expired;
    }

    /// <summary>Returns the remaining TTL of a lease: zero if it is overdue, null if the lease is unknown.</summary>
    public TimeSpan? Remaining(long id)
    {
        lock (_lock)
        {
            if (!_byId.TryGetValue(id, out var entry))
                return null;
            var remaining = entry.Deadline - Now;
            return remaining > TimeSpan.Zero ? remaining : TimeSpan.Zero;
        }
    }

    private void SetDeadline(Lease lease)
    {
        lock (_lock)
        {
            RemoveLocked(lease.Id);
            var deadline = Now + TimeSpan.FromSeconds(lease.TtlSeconds);
            _byId[lease.Id] = new LeaseDeadline(lease, deadline);
            _byDeadline.Add((deadline, lease.Id));
        }
    }

    private void Remove(long id)
    {
        lock (_lock)
            RemoveLocked(id);
    }

    private void RemoveLocked(long id)
    {
        if (_byId.Remove(id, out var entry))
            _byDeadline.Remove((entry.Deadline, id));
    }

    private readonly record struct LeaseDeadline(Lease Lease, TimeSpan Deadline);
}
