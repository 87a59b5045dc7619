using Quorate.Kv.Tree;

namespace Quorate.Kv.Leases;

/// <summary>Changes the leases, and what is attached to them. For the one writer of the store.</summary>
internal sealed class LeaseTable
{
    /// <summary>What a lease counts for in the size of the store, and an attachment beside its key.</summary>
    private const int OverheadBytes = 64;

    private readonly PageTree _leases = new(pageBytes: 4096);
    private readonly PageTree _attached = new(pageBytes: 4096);
    private long _attachedBytes;

    /// <summary>As it is now. Good until the next change.</summary>
    public LeaseView View => new(_leases.Root, _attached.Root);

    /// <summary>Bytes of all leases and attachments.</summary>
    public long SizeBytes => (View.Count * OverheadBytes) + _attachedBytes;

    /// <summary>As it is, for good.</summary>
    public LeaseView Freeze() => new(_leases.Freeze(), _attached.Freeze());

    /// <summary>Enters a lease, or what has changed about it.</summary>
    public void Set(in Lease lease)
    {
        var value = LeaseView.Write(lease, stackalloc byte[2 * Varint.BytesMax]);
        _leases.Set(new NewEntry(LeaseView.ToKey(lease.Id, stackalloc byte[LeaseView.IdBytes]), isCounted: true, value));
    }

    /// <summary>Strikes a lease. Its keys are gone already.</summary>
    public void Remove(long id) => _leases.Remove(LeaseView.ToKey(id, stackalloc byte[LeaseView.IdBytes]));

    /// <summary>A key goes from one lease to another; 0 is none.</summary>
    public void Move(ReadOnlySpan<byte> key, long from, long to)
    {
        if (from == to)
            return;
        if (from != 0 && _attached.Remove(AttachmentKey(from, key)))
            _attachedBytes -= key.Length + OverheadBytes;
        if (to == 0)
            return;
        _attached.Set(new NewEntry(AttachmentKey(to, key), isCounted: true, default));
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
