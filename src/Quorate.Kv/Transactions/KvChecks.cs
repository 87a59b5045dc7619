namespace Quorate.Kv;

/// <summary>Refuses, before it is proposed, what could only be refused later: judged by the request alone, whatever the store holds.</summary>
/// <remarks>
/// The server calls <see cref="Check"/> with its limits. Applying a command repeats everything but the limits, because a member must not
/// trust what another one proposed, and because members may run with different limits but must not differ in what they do.
/// Source: etcd v3 API, key service.
/// </remarks>
public static class KvChecks
{
    /// <summary>Whether <paramref name="request"/> is well formed and within <paramref name="limits"/>; null when it is.</summary>
    public static KvError? Check(KvRequest request, KvLimits limits) => request switch
    {
        LeaseGrantRequest grant => grant.TtlSeconds > Lease.TtlSecondsMax ? KvError.LeaseTtlTooLarge : null,
        CompactRequest or LeaseRequest => null,
        KvOperation operation => CheckOperation(operation, int.Min(limits.TxnOpsMax, KvCommand.TxnOpsMax)),
        _ => throw new ArgumentException($"unknown request {request.GetType().Name}", nameof(request)),
    };

    /// <summary>Whether a command encoded into so many bytes may be proposed; null when it may.</summary>
    public static KvError? CheckSize(long encodedBytes, KvLimits limits) =>
        encodedBytes <= limits.RequestBytesMax ? null : KvError.RequestTooLarge;

    /// <summary>The part of <see cref="Check"/> that holds on every member alike.</summary>
    internal static KvError? CheckAtApply(KvRequest request) => Check(request, ApplyLimits);

    private static readonly KvLimits ApplyLimits = new() { TxnOpsMax = int.MaxValue };

    private static KvError? CheckOperation(KvOperation operation, int opsMax) => operation switch
    {
        RangeRequest range => CheckRange(range),
        PutRequest put => CheckPut(put),
        DeleteRangeRequest delete => delete.Keys.Start.IsEmpty ? KvError.KeyNotProvided : null,
        TxnRequest txn => CheckTxn(txn, opsMax) ?? CheckIntervals(txn),
        EmptyOperation => KvError.KeyNotFound,
        _ => throw new ArgumentException($"unknown operation {operation.GetType().Name}", nameof(operation)),
    };

    private static KvError? CheckRange(RangeRequest range)
    {
        if (range.Keys.Start.IsEmpty)
            return KvError.KeyNotProvided;
        var sortable = range.SortOrder is >= SortOrder.None and <= SortOrder.Descend
            && range.SortTarget is >= SortTarget.Key and <= SortTarget.Value;
        return sortable ? null : KvError.InvalidSortOption;
    }

    private static KvError? CheckPut(PutRequest put)
    {
        if (put.Key.IsEmpty)
            return KvError.KeyNotProvided;
        if (put.IgnoreValue && !put.Value.IsEmpty)
            return KvError.ValueProvided;
        return put.IgnoreLease && put.Lease != 0 ? KvError.LeaseProvided : null;
    }

    /// <summary>
    /// The widest of the three lists counts against the limit; what is nested has what remains. So nested or not, no transaction does more
    /// than the limit in any one run through it.
    /// </summary>
    private static KvError? CheckTxn(TxnRequest txn, int opsMax)
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

        return CheckEach(txn.Success, opsMax - ops) ?? CheckEach(txn.Failure, opsMax - ops);
    }

    private static KvError? CheckEach(IReadOnlyList<KvOperation> operations, int opsMax)
    {
        foreach (var operation in operations)
        {
            // A nested transaction's keys are judged with its parent's, in CheckIntervals, which walks down by itself.
            var error = operation is TxnRequest nested ? CheckTxn(nested, opsMax) : CheckOperation(operation, opsMax);
            if (error is not null)
                return error;
        }

        return null;
    }

    private static KvError? CheckIntervals(TxnRequest txn) =>
        WrittenKeys.TryCollect(txn.Success, out _) && WrittenKeys.TryCollect(txn.Failure, out _) ? null : KvError.DuplicateKey;
}
