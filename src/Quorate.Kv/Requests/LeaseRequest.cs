using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>A request about one lease.</summary>
/// <param name="Id">The id of the lease.</param>
public abstract record LeaseRequest(long Id) : KvRequest;

/// <summary>Creates a lease.</summary>
/// <param name="Id">The id of the new lease, chosen by the client or the server; not 0.</param>
/// <param name="TtlSeconds">The time to live of the lease without a renewal, with the server's minimum already applied: 1 or more.</param>
/// <remarks>
/// Errors: <see cref="KvError.LeaseTtlTooLarge"/>, <see cref="KvError.LeaseExists"/>. Source: etcd v3 API, LeaseGrantRequest.
/// </remarks>
public sealed record LeaseGrantRequest(long Id, long TtlSeconds) : LeaseRequest(Id);

/// <summary>Ends a lease and deletes its keys, all in one revision, or in none when it has no keys.</summary>
/// <param name="Id">The id of the lease.</param>
/// <remarks>Errors: <see cref="KvError.LeaseNotFound"/>. Source: etcd v3 API, LeaseRevokeRequest.</remarks>
public sealed record LeaseRevokeRequest(long Id) : LeaseRequest(Id);

/// <summary>Restarts the time to live of a lease.</summary>
/// <param name="Id">The id of the lease.</param>
/// <remarks>Errors: <see cref="KvError.LeaseNotFound"/>. Source: etcd v3 API, LeaseKeepAliveRequest.</remarks>
public sealed record LeaseRenewRequest(long Id) : LeaseRequest(Id);

/// <summary>Ends an expired lease, unless it was renewed since the server decided that it has expired.</summary>
/// <param name="Id">The id of the lease.</param>
/// <param name="RenewedAt">The renewal whose time to live is over. If there was a later renewal, the lease stays.</param>
public sealed record LeaseExpireRequest(long Id, LogIndex RenewedAt) : LeaseRequest(Id);
