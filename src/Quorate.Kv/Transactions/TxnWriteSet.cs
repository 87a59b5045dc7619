namespace Quorate.Kv;

/// <summary>
/// The keys that a list of operations may put and delete, collected to detect a key that would be written twice in one revision.
/// </summary>
/// <remarks>
/// The rules are etcd's, at the same granularity. Rejected: a key put twice, and a put into a deleted interval, also across nesting and in
/// branches not taken. Accepted: a key put in both branches of one nested transaction, because only one of them runs; a key deleted twice;
/// a nested put before a later nested delete of the same key. Unlike in etcd, an open end is recognised as one. Source: etcd v3 API,
/// TxnRequest: "it is not allowed to modify the same key several times within one txn".
/// </remarks>
internal sealed class TxnWriteSet
{
    private readonly HashSet<ReadOnlyMemory<byte>> _puts = new(BytesEqualityComparer.Instance);
    private readonly List<KeyInterval> _deletes = [];

    /// <summary>Collects the write set; returns false when a key would be written twice.</summary>
    public static bool TryCollect(IReadOnlyList<KvOperation> operations, out TxnWriteSet writeSet)
    {
        writeSet = new TxnWriteSet();
        if (operations.Count == 0)
            return true;

        // Deletes of this level first, so that nested puts are checked against them.
        foreach (var operation in operations)
        {
            if (operation is DeleteRangeRequest delete)
                writeSet._deletes.Add(delete.Keys);
        }

        foreach (var operation in operations)
        {
            if (operation is TxnRequest nested && !writeSet.TryAddNested(nested))
                return false;
        }

        foreach (var operation in operations)
        {
            if (operation is PutRequest put && !(writeSet.MayPut(put.Key) && writeSet._puts.Add(put.Key)))
                return false;
        }

        return true;
    }

    private bool TryAddNested(TxnRequest nested)
    {
        if (!TryCollect(nested.Success, out var success) || !TryCollect(nested.Failure, out var failure))
            return false;

        foreach (var key in success._puts)
        {
            if (!MayPut(key) || !_puts.Add(key))
                return false;
        }

        foreach (var key in failure._puts)
        {
            if (!MayPut(key) || !(_puts.Add(key) || success._puts.Contains(key)))
                return false;
        }

        _deletes.AddRange(success._deletes);
        _deletes.AddRange(failure._deletes);
        return true;
    }

    private bool MayPut(ReadOnlyMemory<byte> key)
    {
        foreach (var delete in _deletes)
        {
            if (delete.Contains(key.Span))
                return false;
        }

        return true;
    }
}

/// <summary>Compares bytes by content. No code enumerates a set, so the hash does not affect any result.</summary>
internal sealed class BytesEqualityComparer : IEqualityComparer<ReadOnlyMemory<byte>>
{
    public static BytesEqualityComparer Instance { get; } = new();

    public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

    public int GetHashCode(ReadOnlyMemory<byte> bytes)
    {
        var hash = 2166136261u;
        foreach (var b in bytes.Span)
            hash = unchecked((hash ^ b) * 16777619u);
        return unchecked((int)hash);
    }
}
