using Quorate.Kv.Mvcc;
using Quorate.Kv.Tree;
using Quorate.Raft;

namespace Quorate.Kv.Leases;

/// <summary>The leases and the keys attached to them, for the single writer of the store.</summary>
internal sealed class LeaseTable
{
    /// <summary>Bytes that a lease, and an attachment in addition to its key, add to the size of the store.</summary>
    private const int OverheadBytes = 64;

    /// <summary>Page size of both trees: small, because they change at random positions.</summary>
    public const int PageBytes = 4096;

    private readonly PageTree _leases;
    private readonly PageTree _attached;
    private long _attachedBytes;
    private LeaseClock _clock;

    // The leases without a clock anchor: renewed since the last advance of the clock, and between that and the one before. Derived from the
    // leases and the clock: the first are those renewed after LastAdvance, the second those renewed after PreviousAdvance.
    private HashSet<long> _renewedSinceAdvance = [];
    private HashSet<long> _renewedBeforeAdvance = [];

    /// <summary>Creates a table without leases, whose clock has not been advanced.</summary>
    public LeaseTable()
        : this(new PageTree(PageBytes), new PageTree(PageBytes), default, attachedBytes: 0)
    {
    }

    private LeaseTable(PageTree leases, PageTree attached, LeaseClock clock, long attachedBytes) =>
        (_leases, _attached, _clock, _attachedBytes) = (leases, attached, clock, attachedBytes);

    /// <summary>The sum of <see cref="RecordHash"/> over all changes of leases.</summary>
    public ulong ChangesSum { get; private set; }

    /// <summary>The current state. Valid until the next change.</summary>
    public LeaseView View => new(_leases.Root, _attached.Root, _clock);

    /// <summary>Bytes of all leases and attachments.</summary>
    public long SizeBytes => (View.Count * OverheadBytes) + _attachedBytes;

    /// <summary>Creates a table from its leases and the keys attached to them.</summary>
    /// <param name="leases">The leases.</param>
    /// <param name="attached">The attachments: the id of a lease, and a key; see <see cref="LeaseView"/>.</param>
    /// <param name="clock">The lease clock.</param>
    /// <param name="changesSum">The value of <see cref="ChangesSum"/>.</param>
    public static LeaseTable Restore(PageTree leases, PageTree attached, in LeaseClock clock, ulong changesSum)
    {
        long attachedBytes = 0;
        for (var cursor = new TreeCursor(attached.Root, []); cursor.IsValid; cursor.MoveNext())
            attachedBytes += cursor.Key.Length - LeaseView.IdBytes + OverheadBytes;
        var table = new LeaseTable(leases, attached, clock, attachedBytes) { ChangesSum = changesSum };
        foreach (var lease in table.View.All())
        {
            if (lease.RenewedAt > clock.LastAdvance)
                table._renewedSinceAdvance.Add(lease.Id);
            else if (lease.RenewedAt > clock.PreviousAdvance)
                table._renewedBeforeAdvance.Add(lease.Id);
        }

        return table;
    }

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
        ChangesSum += RecordHash.OfRemovedLease(id);
        _leases.Remove(LeaseView.ToKey(id, stackalloc byte[LeaseView.IdBytes]));
        _renewedSinceAdvance.Remove(id);
        _renewedBeforeAdvance.Remove(id);
    }

    /// <summary>
    /// Advances the lease clock, and returns the leases that thereby receive their clock anchors, in the order of their ids: those renewed
    /// before the last advance.
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

        // In the order of the ids: that of a hash table depends on what it contained before, which a restored member does not know.
        long[] ids = [.. _renewedBeforeAdvance];
        Array.Sort(ids);
        foreach (var id in ids)
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

    /// <summary>Returns the key of an attachment in its tree, see <see cref="LeaseView"/>.</summary>
    public static byte[] AttachmentKey(long id, ReadOnlySpan<byte> key)
    {
        var bytes = new byte[LeaseView.IdBytes + key.Length];
        LeaseView.ToKey(id, bytes);
        key.CopyTo(bytes.AsSpan(LeaseView.IdBytes));
        return bytes;
    }

    private void Set(in Lease lease)
    {
        ChangesSum += RecordHash.OfLease(lease);
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
}
