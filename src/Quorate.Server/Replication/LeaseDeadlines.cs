using System.Runtime.InteropServices;
using Quorate.Kv;

namespace Quorate.Server.Replication;

/// <summary>When each lease's time is up, by this member's own monotonic clock.</summary>
/// <remarks>
/// The store knows no time, so every member notes for itself when it applied a grant or a renewal. Nothing of it is kept on disk: what a
/// restart replays is noted anew, with its full time. So a note is never early, and only ever late by what the member lagged behind. Only the
/// leader acts on its notes, see <see cref="LeaseReaper"/>; the others have them to answer how much time is left.
/// Threading: the applying thread notes, any thread asks.
/// </remarks>
internal sealed class LeaseDeadlines
{
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private readonly Lock _lock = new();
    private readonly Dictionary<long, Entry> _byId = [];

    // By deadline, then by id. A note is moved at every renewal, so that there is one for each lease and no more.
    private readonly SortedSet<(TimeSpan Deadline, long Id)> _byDeadline = [];

    public LeaseDeadlines(TimeProvider time)
    {
        _time = time;
        _epoch = time.GetTimestamp();
    }

    private TimeSpan Now => _time.GetElapsedTime(_epoch);

    /// <summary>Notes what applying a command did to a lease, if it did anything to one.</summary>
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

    /// <summary>Gives every lease its full time from now on: for a new leader, who cannot know which renewals were lost with the old one.</summary>
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

    /// <summary>Leases whose time is up, the longest overdue first.</summary>
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

    /// <summary>How much time a lease has left, and zero when it is overdue; null for one that was never noted.</summary>
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
            _byId[lease.Id] = new Entry(lease, deadline);
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

    private readonly record struct Entry(Lease Lease, TimeSpan Deadline);
}
