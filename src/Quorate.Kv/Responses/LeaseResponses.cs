namespace Quorate.Kv;

/// <summary>The response to a <see cref="LeaseGrantRequest"/>.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="Lease">The lease.</param>
public sealed record LeaseGrantResponse(long Revision, Lease Lease) : KvResponse(Revision);

/// <summary>The response to a <see cref="LeaseRenewRequest"/>.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="Lease">The lease.</param>
public sealed record LeaseRenewResponse(long Revision, Lease Lease) : KvResponse(Revision);

/// <summary>The response to a <see cref="LeaseRevokeRequest"/>.</summary>
/// <param name="Revision">The newest revision: the one that deleted the keys, if there were any.</param>
/// <param name="Id">The revoked lease.</param>
public sealed record LeaseRevokeResponse(long Revision, long Id) : KvResponse(Revision);

/// <summary>The response to a <see cref="LeaseExpireRequest"/>.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="Id">The lease of the request.</param>
/// <param name="Expired">Whether the request ended the lease; false when it had been renewed, or had ended before.</param>
public sealed record LeaseExpireResponse(long Revision, long Id, bool Expired) : KvResponse(Revision);

/// <summary>The response to a <see cref="LeaseRenewManyRequest"/>.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="Leases">
/// The leases, in the order of the ids of the request; a lease that does not exist has the time to live 0.
/// </param>
public sealed record LeaseRenewManyResponse(long Revision, IReadOnlyList<Lease> Leases) : KvResponse(Revision);

/// <summary>The response to a <see cref="LeaseClockAdvanceRequest"/>.</summary>
/// <param name="Revision">The newest revision.</param>
/// <param name="Clock">The lease clock after the request.</param>
/// <param name="IsAccepted">Whether the request advanced the clock; false if another request had advanced it before.</param>
/// <param name="Anchored">The leases whose age counts from a time of the clock from now on.</param>
public sealed record LeaseClockAdvanceResponse(long Revision, LeaseClock Clock, bool IsAccepted, IReadOnlyList<Lease> Anchored)
    : KvResponse(Revision);
