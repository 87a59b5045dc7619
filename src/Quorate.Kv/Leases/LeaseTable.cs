using Quorate.Kv.Tree;
using Quorate.Raft;

namespace Quorate.Kv.Leases;

/// <summary>The leases and the keys attached to them, for the single writer of the store.</summary>
internal sealed class LeaseTable
{
    /// <summary>Bytes that a lease, and an attachment in addition to its key, add to the size of the store.</summary>
    private const int OverheadBytes = 64;

    private readonly PageTree _leases = new(pageBytes: 4096);
    private readonly PageTree _attached = new(pageBytes: 4096);
    private long _attachedBytes;
    private LeaseClock _clock;

    // The leases without a clock anchor: renewed since the last advance of the clock, and between that and the one before. Derived from the
    // leases and the clock: the first are those renewed after LastAdvance, the second those renewed after PreviousAdvance.
    private HashSet<long> _renewedSinceAdvance = [];
    private HashSet<long> _renewedBeforeAdvance = [];

    /// <summary>The current state. Valid until the next change.</summary>
    public LeaseView View => new(_leases.Root, _attached.Root, _clock);

    /// <summary>Bytes of all leases and attachments.</summary>
    public long SizeBytes => (View.Count * OverheadBytes) + _attachedBytes;

    /// <summary>Returns the current state as an immutable view.</summary>
    public LeaseView Freeze() => new(_leases.Freeze(), _attached.Freeze(), _clock);

    /// <summary>Inserts a lease that was just granted, or updates one that was just renewed: it has no clock anchor yet.</summary>
    public void SetRenewed(in Lease lease)
    {
        Set(lease);
        _renewedSinceAdvance.Add(lease.Id);
    }

    /// <summary>Removes a lease. Its keys must have been deleted before.</summary>
    public void Remove(long id)
    {
        _leases.Remove(LeaseView.ToKey(id, stackalloc byte[LeaseView.IdBytes]));
        _renewedSinceAdvance.Remove(id);
        _renewedBeforeAdvance.Remove(id);
    }

    /// <summary>
    /// Advances the lease clock, and returns the leases that thereby receive their clock anchors: those renewed before the last advance.
    /// </summary>
    /// <remarks>
    /// Such a lease was renewed before the proposer applied the last advance, which was <paramref name="sinceApplied"/> before the time
    /// that the clock shows now. A lease renewed since the last advance must wait for the next one: the time that is added now may be
    /// from before its renewal.
    /// </remarks>
    public List<Lease> AdvanceClock(long milliseconds, long sinceApplied, LogIndex at)
    {
        var anchored = new List<Lease>(_renewedBeforeAdvance.Count);
        var previous = _clock.LastAdvance;
        _clock = _clock.Advance(milliseconds, at);
        foreach (var id in _renewedBeforeAdvance)
        {
            // A lease that was renewed again is in the other set.
            if (!View.TryGet(id, out var lease) || lease.RenewedAt > previous)
                continue;
            lease = lease with { ClockAnchor = _clock.Milliseconds - sinceApplied };
            Set(lease);
            anchored.Add(lease);
        }

        (_renewedBeforeAdvance, _renewedSinceAdvance) = (_renewedSinceAdvance, _renewedBeforeAdvance);
        _renewedSinceAdvance.Clear();
        return anchored;
    }

    private void Set(in Lease lease)
    {
        var value = LeaseView.Write(lease, stackalloc byte[LeaseView.ValueBytesMax]);
        _leases.Set(new NewTreeEntry(LeaseView.ToKey(lease.Id, stackalloc byte[LeaseView.IdBytes]), isCounted: true, value));
    }

    /// <summary>Moves a key from one lease to another; 0 is no lease.</summary>
    public void Move(ReadOnlySpan<byte> key, long from, long to)
    {
        if (from == to)
            return;
        if (from != 0 && _attached.Remove(AttachmentKey(from, key)))
            _attachedBytes -= key.Length + OverheadBytes;
        if (to == 0)
            return;
        _attached.Set(new NewTreeEntry(AttachmentKey(to, key), isCounted: true, default));
        _attachedBytes += key.Length + OverheadBytes;
    }

    private static byte[] AttachmentKey(long id, ReadOnlySpan<byte> key)
    {
        var bytes = new byte[LeaseView.IdBytes + key.Length];
        LeaseView.ToKey(id, bytes);
        key.CopyTo(bytes.AsSpan(LeaseView.IdBytes));
        return bytes;
    }
}
