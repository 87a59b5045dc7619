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
                response = new LeaseRenewResponse(_writer.Revision, Renew(lease));
                return null;
            default:
                throw new KvCommandFormatException($"{request.GetType().Name} is not a command");
        }
    }

    /// <summary>Renews the leases that exist, and returns all of them in the order of the request.</summary>
    public LeaseRenewManyResponse RenewMany(LeaseRenewManyRequest request)
    {
        var leases = new Lease[request.Ids.Count];
        for (var i = 0; i < leases.Length; i++)
        {
            var id = request.Ids[i];
            leases[i] = _writer.Leases.View.TryGet(id, out var lease) ? Renew(lease) : new Lease(id, 0, LogIndex.Zero);
        }

        return new LeaseRenewManyResponse(_writer.Revision, leases);
    }

    /// <summary>Advances the lease clock, unless it has been advanced since the time from which the advance was measured.</summary>
    public LeaseClockAdvanceResponse AdvanceClock(LeaseClockAdvanceRequest request)
    {
        var isAccepted = _writer.Leases.View.Clock.LastAdvance == request.Base;
        IReadOnlyList<Lease> anchored = isAccepted
            ? _writer.Leases.AdvanceClock(request.Milliseconds, request.SinceApplied, _at)
            : [];
        return new LeaseClockAdvanceResponse(_writer.Revision, _writer.Leases.View.Clock, isAccepted, anchored);
    }

    private Lease Renew(Lease lease) => SetLease(lease with { RenewedAt = _at, ClockAnchor = null });

    private Lease SetLease(Lease lease)
    {
        _writer.Leases.SetRenewed(lease);
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
