using CsCheck;
using Quorate.Raft;

namespace Quorate.Kv.Tests.Properties;

/// <summary>Random requests over few keys and few revisions, so that they conflict often.</summary>
internal static class RequestGenerators
{
    public static readonly Gen<string> Key = Gen.Char["abcd"].Array[1, 2].Select(c => new string(c));

    public static readonly Gen<KeyInterval> Keys = Gen.Frequency(
        (4, Key.Select(k => Given.Keys(k))),
        (2, Gen.Select(Key, Key, (a, b) => Given.Keys(a, b))),
        (1, Key.Select(k => Given.Keys(k, "\0"))),
        (1, Key.Select(Given.Prefix)),
        (1, Gen.Const(KeyInterval.All)));

    // Mostly old revisions, sometimes the newest one or a future one.
    private static readonly Gen<long> Revision = Gen.Frequency((3, Gen.Const(0L)), (5, Gen.Long[1, 60]), (1, Gen.Long[-1, 1]));

    private static readonly Gen<long> Bound = Gen.Frequency((6, Gen.Const(0L)), (2, Gen.Long[1, 40]));

    public static readonly Gen<RangeRequest> Range =
        Gen.Select(Keys, Revision, Gen.Long[-1, 4], Gen.Int[0, 7], Gen.Int[0, 14], Gen.Select(Bound, Bound, Bound, Bound))
            .Select((keys, revision, limit, flags, sort, bounds) => new RangeRequest(keys)
            {
                Revision = revision,
                Limit = limit,
                CountOnly = flags == 0,
                KeysOnly = flags == 1,
                SortOrder = (SortOrder)(sort % 3),
                SortTarget = (SortTarget)(sort / 3),
                MinModRevision = bounds.Item1,
                MaxModRevision = bounds.Item2,
                MinCreateRevision = bounds.Item3,
                MaxCreateRevision = bounds.Item4,
            });

    // Three leases, granted, renewed and revoked often enough that a put often refers to an existing one.
    public static readonly Gen<long> LeaseId = Gen.Long[77, 79];

    private static readonly Gen<LeaseRequest> Lease = Gen.Frequency(
        (4, Gen.Select(LeaseId, Gen.Long[1, 100], (id, ttl) => (LeaseRequest)new LeaseGrantRequest(id, ttl))),
        (1, LeaseId.Select(id => (LeaseRequest)new LeaseRevokeRequest(id))),
        (1, LeaseId.Select(id => (LeaseRequest)new LeaseRenewRequest(id))),
        (2, Gen.Select(LeaseId, Gen.ULong[1, 30], (id, at) => (LeaseRequest)new LeaseExpireRequest(id, new LogIndex(at)))));

    // Many advances have the index of an entry that is no advance, or of an old one: they have no effect.
    private static readonly Gen<KvRequest> LeaseClock = Gen.Frequency(
        (2, LeaseId.Array[1, 4].Select(ids => (KvRequest)new LeaseRenewManyRequest(ids))),
        (3, Gen.Select(Gen.ULong[0, 30], Gen.Long[0, 1000], Gen.Long[0, 1000], (at, a, b) =>
            (KvRequest)new LeaseClockAdvanceRequest(new LogIndex(at), long.Max(a, b), long.Min(a, b)))));

    public static readonly Gen<PutRequest> Put = Gen.Select(Key, Gen.Char["xyz"].Array[0, 3], Gen.Int[0, 39], Gen.Bool)
        .Select((key, value, rare, prev) => Given.Put(key, rare == 1 ? "" : new string(value)) with
        {
            PrevKv = prev,
            IgnoreValue = rare == 1,
            IgnoreLease = rare == 2,
            Lease = rare is >= 3 and < 12 ? 77 + (rare % 3) : 0,
        });

    public static readonly Gen<DeleteRangeRequest> Delete =
        Gen.Select(Keys, Gen.Bool).Select((keys, prev) => new DeleteRangeRequest(keys) { PrevKv = prev });

    private static readonly Gen<KeyCompare> Compare =
        Gen.Select(Keys, Gen.Int[0, 4], Gen.Int[0, 3], Gen.Long[0, 12], Gen.Char["xyz"].Array[0, 2])
            .Select((keys, target, result, number, value) => (CompareTarget)target == CompareTarget.Value
                ? new KeyCompare(keys, CompareTarget.Value, (CompareResult)result) { Value = Given.Bytes(new string(value)) }
                : new KeyCompare(keys, (CompareTarget)target, (CompareResult)result) { Number = number });

    public static readonly Gen<TxnRequest> Txn = TxnOf(TxnOf(null));

    public static readonly Gen<KvRequest> Command = Gen.Frequency(
        (10, Put.Select(p => (KvRequest)p)),
        (3, Delete.Select(d => (KvRequest)d)),
        (6, Txn.Select(t => (KvRequest)t)),
        (4, Lease.Select(l => (KvRequest)l)),
        (3, LeaseClock),
        (1, Gen.Long[-1, 60].Select(r => (KvRequest)new CompactRequest(r))));

    /// <summary>As <see cref="Command"/>, with many compactions, most of which are accepted.</summary>
    public static readonly Gen<KvRequest> CompactingCommand =
        Gen.Frequency((6, Command), (1, Gen.Long[1, 40].Select(r => (KvRequest)new CompactRequest(r))));

    private static Gen<TxnRequest> TxnOf(Gen<TxnRequest>? nested)
    {
        var operation = Gen.Frequency(
            (6, Put.Select(p => (KvOperation)p)),
            (2, Delete.Select(d => (KvOperation)d)),
            (4, Range.Select(r => (KvOperation)r)),
            (nested is null ? 0 : 2, (nested ?? Gen.Const(Given.Txn())).Select(t => (KvOperation)t)));
        return Gen.Select(Compare.Array[0, 2], operation.Array[0, 4], operation.Array[0, 3])
            .Select((compare, then, otherwise) => new TxnRequest(compare, then, otherwise));
    }
}
