using System.Runtime.InteropServices;
using Quorate.Kv;

namespace Quorate.Server.Replication;

/// <summary>When each lease's time is up, by this member's own monotonic clock.</summary>
/// <remarks>
/// The store knows no time, so every member notes for itself when it applied a grant or a renewal. Nothing of it is kept on disk: what a
/// restart replays is noted anew, with its full time. So a note is never early, and only ever late by what the member lagged behind. Only the
/// leader acts on its notes, see <see cref="LeaseExpiry"/>; the others have them to answer how much time is left.
/// Threading: the applying thread notes, any thread asks.
/// </remarks>
internal sealed class LeaseClock
{
    private readonly TimeProvider _time;
    private readonly long _epoch;
    private readonly Lock _notes = new();
    private readonly Dictionary<long, Entry> _byId = [];

    // By deadline, then by id. A note is moved at every renewal, so that there is one for each lease and no more.
    private readonly SortedSet<(TimeSpan Deadline, long Id)> _byDeadline = [];

    public LeaseClock(TimeProvider time)
    {
        _time = time;
        _epoch = time.GetTimestamp();
    }

    private TimeSpan Now => _time.GetElapsedTime(_epoch);

    /// <summary>Notes what applying a command did to a lease, if it did anything to one.</summary>
    public void Note(KvResponse? applied)
    {
        switch (applied)
        {
            case LeaseGrantResponse granted:
                Begin(granted.Lease);
                break;
            case LeaseRenewResponse renewed:
                Begin(renewed.Lease);
                break;
            case LeaseRevokeResponse revoked:
                Forget(revoked.Id);
                break;
            case LeaseExpireResponse { Expired: true } expired:
                Forget(expired.Id);
                break;
        }
    }

    /// <summary>Gives every lease its full time from now on: for a new leader, who cannot know which renewals were lost with the old one.</summary>
    public void BeginAnew()
    {
        lock (_notes)
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
    public List<Lease> Due(int most)
    {
        var due = new List<Lease>();
        lock (_notes)
        {
            var now = Now;
            foreach (var (deadline, id) in _byDeadline)
            {
                if (deadline > now || due.Count == most)
                    break;
                due.Add(_byId[id].Lease);
            }
        }

        return due;
    }

    /// <summary>How much time a lease has left, and zero when it is overdue; null for one that was never noted.</summary>
    public TimeSpan? Remaining(long id)
    {
        lock (_notes)
        {
            if (!_byId.TryGetValue(id, out var note))
                return null;
            var left = note.Deadline - Now;
            return left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    private void Begin(Lease lease)
    {
        lock (_notes)
        {
            Strike(lease.Id);
            var deadline = Now + TimeSpan.FromSeconds(lease.TtlSeconds);
            _byId[lease.Id] = new Entry(lease, deadline);
            _byDeadline.Add((deadline, lease.Id));
        }
    }

    private void Forget(long id)
    {
        lock (_notes)
            Strike(id);
    }

    private void Strike(long id)
    {
        if (_byId.Remove(id, out var note))
            _byDeadline.Remove((note.Deadline, id));
    }

    private readonly record struct Entry(Lease Lease, TimeSpan Deadline);
}
