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
