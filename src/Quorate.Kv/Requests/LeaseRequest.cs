using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>Something asked about one lease.</summary>
/// <param name="Id">Which one.</param>
public abstract record LeaseRequest(long Id) : KvRequest;

/// <summary>Make a lease.</summary>
/// <param name="Id">Its name, chosen by the client or the server; not 0.</param>
/// <param name="TtlSeconds">How long it lives without a renewal, with the least that the server grants already applied: 1 or more.</param>
/// <remarks>
/// Refusals: <see cref="KvError.LeaseTtlTooLarge"/>, <see cref="KvError.LeaseExists"/>. Source: etcd v3 API, LeaseGrantRequest.
/// </remarks>
public sealed record LeaseGrantRequest(long Id, long TtlSeconds) : LeaseRequest(Id);

/// <summary>End a lease and delete its keys, all in one revision, or in none when it has no keys.</summary>
/// <param name="Id">Which one.</param>
/// <remarks>Refusals: <see cref="KvError.LeaseNotFound"/>. Source: etcd v3 API, LeaseRevokeRequest.</remarks>
public sealed record LeaseRevokeRequest(long Id) : LeaseRequest(Id);

/// <summary>Let a lease begin its time anew.</summary>
/// <param name="Id">Which one.</param>
/// <remarks>Refusals: <see cref="KvError.LeaseNotFound"/>. Source: etcd v3 API, LeaseKeepAliveRequest.</remarks>
public sealed record LeaseRenewRequest(long Id) : LeaseRequest(Id);

/// <summary>End a lease whose time is up, unless it was renewed since that was judged.</summary>
/// <param name="Id">Which one.</param>
/// <param name="RenewedAt">The renewal whose time is up. If there was a later one the lease lives on.</param>
public sealed record LeaseExpireRequest(long Id, LogIndex RenewedAt) : LeaseRequest(Id);
