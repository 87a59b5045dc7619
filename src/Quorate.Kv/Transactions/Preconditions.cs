using Quorate.Kv.Mvcc;

namespace Quorate.Kv;

/// <summary>Checks the branch that a transaction takes for every possible error, before its first operation runs.</summary>
/// <remarks>
/// Therefore an operation cannot fail once it has started, and no rollback is needed. All puts are checked before all ranges, as in
/// etcd; a range at a compacted revision is found here, on every member alike (etcd #18667), regardless of what the read would return.
/// </remarks>
internal static class Preconditions
{
    public static KvError? Check(ResolvedTxn resolved, in MvccView before) => CheckPuts(resolved, before) ?? CheckRanges(resolved, before);

    /// <summary>Checks a put outside a transaction. etcd checks the lease first here, and the key first in a transaction.</summary>
    public static KvError? Check(PutRequest put, in MvccView before) => CheckLease(put, before) ?? CheckKey(put, before);

    private static KvError? CheckPuts(ResolvedTxn resolved, in MvccView before)
    {
        var nested = 0;
        foreach (var operation in resolved.Operations)
        {
            var error = operation switch
            {
                PutRequest put => CheckKey(put, before) ?? CheckLease(put, before),
                TxnRequest => CheckPuts(resolved.Nested![nested++], before),
                _ => null,
            };
            if (error is not null)
                return error;
        }

        return null;
    }

    private static KvError? CheckRanges(ResolvedTxn resolved, in MvccView before)
    {
        var nested = 0;
        foreach (var operation in resolved.Operations)
        {
            var error = operation switch
            {
                RangeRequest range => before.CheckRevision(range.Revision),
                TxnRequest => CheckRanges(resolved.Nested![nested++], before),
                _ => null,
            };
            if (error is not null)
                return error;
        }

        return null;
    }

    private static KvError? CheckKey(PutRequest put, in MvccView before)
    {
        if (!put.IgnoreValue && !put.IgnoreLease)
            return null;
        return before.TryGetRecord(put.Key.Span, out var record) && !record.IsDeletion ? null : KvError.KeyNotFound;
    }

    private static KvError? CheckLease(PutRequest put, in MvccView before) =>
        put.Lease == 0 || before.Leases.Exists(put.Lease) ? null : KvError.LeaseNotFound;
}
