using Quorate.Kv;

namespace Quorate.Verification.Simulation.Store;

/// <summary>Computes a digest over the whole content of a response of the store.</summary>
internal static class ResponseDigest
{
    public static ulong Of(in KvResult result)
    {
        var digest = default(Digest);
        digest.Add((ulong)result.Revision, result.Error is { } error ? (ulong)error.Kind + 1 : 0);
        if (result.Response is { } response)
            Add(ref digest, response);
        return digest.Value;
    }

    private static void Add(ref Digest digest, KvResponse response)
    {
        // Each kind of response adds a number of its own, so that responses of different kinds with the same content have different
        // digests.
        var at = (ulong)response.Revision;
        switch (response)
        {
            case RangeResponse range:
                digest.Add(1, at, range.More ? 1UL : 0, (ulong)range.Count);
                Add(ref digest, range.Kvs);
                break;
            case PutResponse put:
                digest.Add(2, at, put.PrevKv is null ? 0UL : 1);
                if (put.PrevKv is { } previous)
                    digest.Add(previous);
                break;
            case DeleteRangeResponse delete:
                digest.Add(3, at, (ulong)delete.Deleted);
                Add(ref digest, delete.PrevKvs);
                break;
            case TxnResponse txn:
                digest.Add(4, at, txn.Succeeded ? 1UL : 0, (ulong)txn.Responses.Count);
                for (var i = 0; i < txn.Responses.Count; i++)
                    Add(ref digest, txn.Responses[i]);
                break;
            case CompactResponse:
                digest.Add(5, at);
                break;
            case LeaseGrantResponse granted:
                digest.Add(6, at);
                Add(ref digest, granted.Lease);
                break;
            case LeaseRenewResponse renewed:
                digest.Add(7, at);
                Add(ref digest, renewed.Lease);
                break;
            case LeaseRenewManyResponse many:
                digest.Add(10, at, (ulong)many.Leases.Count);
                for (var i = 0; i < many.Leases.Count; i++)
                    Add(ref digest, many.Leases[i]);
                break;
            case LeaseClockAdvanceResponse advance:
                digest.Add(11, at, advance.IsAccepted ? 1UL : 0, (ulong)advance.Clock.Milliseconds);
                digest.Add(advance.Clock.LastAdvance.Value, advance.Clock.PreviousAdvance.Value, (ulong)advance.Anchored.Count);
                for (var i = 0; i < advance.Anchored.Count; i++)
                    Add(ref digest, advance.Anchored[i]);
                break;
            case LeaseRevokeResponse revoked:
                digest.Add(8, at, (ulong)revoked.Id);
                break;
            case LeaseExpireResponse expired:
                digest.Add(9, at, (ulong)expired.Id, expired.Expired ? 1UL : 0);
                break;
            default:
                throw new InvalidOperationException($"the digest does not cover {response.GetType().Name} yet: add a case for it");
        }
    }

    private static void Add(ref Digest digest, IReadOnlyList<KeyValue> kvs)
    {
        digest.Add((ulong)kvs.Count);
        for (var i = 0; i < kvs.Count; i++)
            digest.Add(kvs[i]);
    }

    private static void Add(ref Digest digest, in Lease lease) =>
        digest.Add((ulong)lease.Id, (ulong)lease.TtlSeconds, lease.RenewedAt.Value, (ulong)(lease.ClockAnchor ?? 0));
}
