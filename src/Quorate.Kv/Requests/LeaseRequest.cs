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
public sealed record LeaseGrantRequest(long Id, long TtlSeconds) : LeaseRequest(Id)
{
    /// <inheritdoc/>
    public override bool TakesSpace => true;
}

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

/// <summary>Restarts the time to live of many leases.</summary>
/// <param name="Ids">The ids, at most <see cref="MaxIds"/>; an id may occur more than once.</param>
/// <remarks>Errors: none. The response names each lease that does not exist.</remarks>
public sealed record LeaseRenewManyRequest(IReadOnlyList<long> Ids) : KvRequest
{
    /// <summary>The maximum number of ids of one command: 40 KB of log, which delays the entries behind it only a little.</summary>
    public const int MaxIds = 4096;
}

/// <summary>Advances the lease clock by a time that has passed since its previous advance (<see cref="LeaseClock"/>).</summary>
/// <param name="Base">
/// The index of the previous advance, zero if there was none. If the clock has been advanced since, the request has no effect.
/// </param>
/// <param name="Milliseconds">The time that has passed since the previous advance was measured.</param>
/// <param name="SinceApplied">
/// The part of <paramref name="Milliseconds"/> that has passed since the proposer applied the previous advance.
/// </param>
public sealed record LeaseClockAdvanceRequest(LogIndex Base, long Milliseconds, long SinceApplied) : KvRequest
{
    /// <summary>The maximum of <see cref="Milliseconds"/>: no lease lives longer.</summary>
    public const long MaxMilliseconds = Lease.MaxTtlSeconds * 1000;
}
