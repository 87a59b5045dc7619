using Quorate.Kv.Mvcc;

namespace Quorate.Kv;

/// <summary>Everything that can go wrong in the branch a transaction takes, asked before its first operation runs.</summary>
/// <remarks>
/// So that an operation, once begun, cannot fail, and nothing ever has to be taken back. All puts are asked before all ranges, as in etcd;
/// a range at a revision that was compacted is found here, on every member alike (etcd #18667), whatever the read would have been.
/// </remarks>
internal static class Preconditions
{
    public static KvError? Check(ResolvedTxn resolved, in MvccView before) => CheckPuts(resolved, before) ?? CheckRanges(resolved, before);

    /// <summary>A put alone. etcd asks for the lease first here, and for the key first in a transaction.</summary>
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
