namespace Quorate.Kv;

/// <summary>Validates a request before it is proposed: rejects requests that would fail regardless of the contents of the store.</summary>
/// <remarks>
/// The server calls <see cref="Validate"/> with its limits. Applying a command repeats every check except the limits, because a member must
/// not trust the proposals of another one, and because members may have different limits but must produce the same results. Source: etcd v3
/// API, key service.
/// </remarks>
public static class RequestValidator
{
    /// <summary>
    /// Returns null if <paramref name="request"/> is well formed and within <paramref name="limits"/>, otherwise the error.
    /// </summary>
    public static KvError? Validate(KvRequest request, KvLimits limits) => request switch
    {
        LeaseGrantRequest grant => grant.TtlSeconds > Lease.MaxTtlSeconds ? KvError.LeaseTtlTooLarge : null,
        CompactRequest or LeaseRequest or LeaseRenewManyRequest or LeaseClockAdvanceRequest => null,
        KvOperation operation => ValidateOperation(operation, int.Min(limits.MaxTxnOps, KvCommandCodec.MaxTxnOps)),
        _ => throw new ArgumentException($"unknown request {request.GetType().Name}", nameof(request)),
    };

    /// <summary>Returns null if a command of this encoded size may be proposed, otherwise the error.</summary>
    public static KvError? ValidateSize(long encodedBytes, KvLimits limits) =>
        encodedBytes <= limits.MaxRequestBytes ? null : KvError.RequestTooLarge;

    /// <summary>The part of <see cref="Validate"/> that is the same on every member.</summary>
    internal static KvError? ValidateAtApply(KvRequest request) => Validate(request, ApplyLimits);

    private static readonly KvLimits ApplyLimits = new() { MaxTxnOps = int.MaxValue };

    private static KvError? ValidateOperation(KvOperation operation, int opsMax) => operation switch
    {
        RangeRequest range => ValidateRange(range),
        PutRequest put => ValidatePut(put),
        DeleteRangeRequest delete => delete.Keys.Start.IsEmpty ? KvError.KeyNotProvided : null,
        TxnRequest txn => ValidateTxn(txn, opsMax) ?? ValidateWriteSet(txn),
        EmptyOperation => KvError.KeyNotFound,
        _ => throw new ArgumentException($"unknown operation {operation.GetType().Name}", nameof(operation)),
    };

    private static KvError? ValidateRange(RangeRequest range)
    {
        if (range.Keys.Start.IsEmpty)
            return KvError.KeyNotProvided;
        var sortable = range.SortOrder is >= SortOrder.None and <= SortOrder.Descend
            && range.SortTarget is >= SortTarget.Key and <= SortTarget.Value;
        return sortable ? null : KvError.InvalidSortOption;
    }

    private static KvError? ValidatePut(PutRequest put)
    {
        if (put.Key.IsEmpty)
            return KvError.KeyNotProvided;
        if (put.IgnoreValue && !put.Value.IsEmpty)
            return KvError.ValueProvided;
        return put.IgnoreLease && put.Lease != 0 ? KvError.LeaseProvided : null;
    }

    /// <summary>
    /// The largest of the three lists counts against the limit; nested transactions have the remainder. So no path through a transaction
    /// executes more operations than the limit, however nested it is.
    /// </summary>
    private static KvError? ValidateTxn(TxnRequest txn, int opsMax)
    {
        var ops = int.Max(txn.Compare.Count, int.Max(txn.Success.Count, txn.Failure.Count));
        if (ops > opsMax)
            return KvError.TooManyOperations;

        foreach (var compare in txn.Compare)
        {
            if (compare.Keys.Start.IsEmpty)
                return KvError.KeyNotProvided;
            if (compare.Target is < CompareTarget.Version or > CompareTarget.Lease
                || compare.Result is < CompareResult.Equal or > CompareResult.NotEqual)
                return KvError.InvalidCompare;
        }

        return ValidateEach(txn.Success, opsMax - ops) ?? ValidateEach(txn.Failure, opsMax - ops);
    }

    private static KvError? ValidateEach(IReadOnlyList<KvOperation> operations, int opsMax)
    {
        foreach (var operation in operations)
        {
            // The keys of a nested transaction are checked with its parent's, in ValidateWriteSet, which recurses on its own.
            var error = operation is TxnRequest nested ? ValidateTxn(nested, opsMax) : ValidateOperation(operation, opsMax);
            if (error is not null)
                return error;
        }

        return null;
    }

    private static KvError? ValidateWriteSet(TxnRequest txn) =>
        TxnWriteSet.TryCollect(txn.Success, out _) && TxnWriteSet.TryCollect(txn.Failure, out _) ? null : KvError.DuplicateKey;
}
