using Quorate.Kv.Tree;

namespace Quorate.Kv.Leases;

/// <summary>The leases and the keys attached to them, for the single writer of the store.</summary>
internal sealed class LeaseTable
{
    /// <summary>Bytes that a lease, and an attachment in addition to its key, add to the size of the store.</summary>
    private const int OverheadBytes = 64;

    private readonly PageTree _leases = new(pageBytes: 4096);
    private readonly PageTree _attached = new(pageBytes: 4096);
    private long _attachedBytes;

    /// <summary>The current state. Valid until the next change.</summary>
    public LeaseView View => new(_leases.Root, _attached.Root);

    /// <summary>Bytes of all leases and attachments.</summary>
    public long SizeBytes => (View.Count * OverheadBytes) + _attachedBytes;

    /// <summary>Returns the current state as an immutable view.</summary>
    public LeaseView Freeze() => new(_leases.Freeze(), _attached.Freeze());

    /// <summary>Inserts or updates a lease.</summary>
    public void Set(in Lease lease)
    {
        var value = LeaseView.Write(lease, stackalloc byte[2 * Varint.BytesMax]);
        _leases.Set(new NewTreeEntry(LeaseView.ToKey(lease.Id, stackalloc byte[LeaseView.IdBytes]), isCounted: true, value));
    }

    /// <summary>Removes a lease. Its keys must have been deleted before.</summary>
    public void Remove(long id) => _leases.Remove(LeaseView.ToKey(id, stackalloc byte[LeaseView.IdBytes]));

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
