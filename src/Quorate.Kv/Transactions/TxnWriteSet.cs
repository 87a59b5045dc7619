namespace Quorate.Kv;

/// <summary>Which keys a list of operations may put and delete, collected to find a key that would be written twice in one revision.</summary>
/// <remarks>
/// The rules are etcd's, with their grain: a key put twice is refused, and a put into what is deleted, across nesting and in branches not
/// taken too; a key put in both branches of one nested transaction is fine, only one of them runs; deleting twice is fine. A nested put
/// before a later nested delete of the same key passes, there as here. Unlike etcd, an open end is seen as one.
/// Source: etcd v3 API, TxnRequest: "it is not allowed to modify the same key several times within one txn".
/// </remarks>
internal sealed class TxnWriteSet
{
    private readonly HashSet<ReadOnlyMemory<byte>> _puts = new(BytesComparer.Instance);
    private readonly List<KeyInterval> _deletes = [];

    /// <summary>Collects, or answers false when a key would be written twice.</summary>
    public static bool TryCollect(IReadOnlyList<KvOperation> operations, out TxnWriteSet writeSet)
    {
        writeSet = new TxnWriteSet();
        if (operations.Count == 0)
            return true;

        // Deletes of this level first, so that puts nested below meet them.
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

/// <summary>Bytes by content. Nothing ever walks a set in its order, so the hash decides no outcome.</summary>
internal sealed class BytesComparer : IEqualityComparer<ReadOnlyMemory<byte>>
{
    public static BytesComparer Instance { get; } = new();

    public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

    public int GetHashCode(ReadOnlyMemory<byte> bytes)
    {
        var hash = 2166136261u;
        foreach (var b in bytes.Span)
            hash = unchecked((hash ^ b) * 16777619u);
        return unchecked((int)hash);
    }
}
