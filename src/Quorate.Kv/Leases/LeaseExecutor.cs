using Quorate.Kv.Mvcc;
using Quorate.Raft;

namespace Quorate.Kv.Leases;

/// <summary>Executes lease requests.</summary>
/// <param name="writer">The writer of the store that is changed.</param>
/// <param name="at">The index of the log entry that contains the request.</param>
internal readonly struct LeaseExecutor(MvccWriter writer, LogIndex at)
{
    private readonly MvccWriter _writer = writer;
    private readonly LogIndex _at = at;

    /// <summary>Executes a request, or returns the error for which it is rejected.</summary>
    public KvError? Execute(LeaseRequest request, out KvResponse response)
    {
        response = null!;
        var exists = _writer.Leases.View.TryGet(request.Id, out var lease);
        switch (request)
        {
            case LeaseGrantRequest when exists:
                return KvError.LeaseExists;
            case LeaseGrantRequest grant:
                response = new LeaseGrantResponse(_writer.Revision, SetLease(new Lease(grant.Id, grant.TtlSeconds, _at)));
                return null;
            case LeaseExpireRequest expire:
                var isExpired = exists && lease.RenewedAt == expire.RenewedAt;
                if (isExpired)
                    DeleteLeaseAndKeys(expire.Id);
                response = new LeaseExpireResponse(_writer.View.Revision, expire.Id, isExpired);
                return null;
            case LeaseRevokeRequest or LeaseRenewRequest when !exists:
                return KvError.LeaseNotFound;
            case LeaseRevokeRequest revoke:
                DeleteLeaseAndKeys(revoke.Id);
                response = new LeaseRevokeResponse(_writer.View.Revision, revoke.Id);
                return null;
            case LeaseRenewRequest:
                response = new LeaseRenewResponse(_writer.Revision, SetLease(lease with { RenewedAt = _at }));
                return null;
            default:
                throw new KvCommandFormatException($"{request.GetType().Name} is not a command");
        }
    }

    private Lease SetLease(Lease lease)
    {
        _writer.Leases.Set(lease);
        return lease;
    }

    private void DeleteLeaseAndKeys(long id)
    {
        foreach (var key in _writer.Leases.View.KeysOf(id))
        {
            if (_writer.View.TryGetRecord(key.Span, out var newest))
                _writer.Delete(key.Span, newest);
        }

        _writer.Leases.Remove(id);
    }
}
