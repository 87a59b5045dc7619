using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>A lease: keys that were put with it go when it goes.</summary>
/// <param name="Id">Its name; never 0.</param>
/// <param name="TtlSeconds">How long it lives without a renewal, from 1 to <see cref="MaxTtlSeconds"/>.</param>
/// <param name="RenewedAt">The log entry that granted it, or renewed it last.</param>
/// <remarks>
/// The store knows no clock: that a lease's time is up is judged outside and comes as a <see cref="LeaseExpireRequest"/>, which names the
/// <see cref="RenewedAt"/> it was judged by. A number in the log is never used again, so an expiry that was overtaken by a renewal, or by the
/// end of the lease and a new one of the same name, finds another number here and does nothing.
/// </remarks>
public readonly record struct Lease(long Id, long TtlSeconds, LogIndex RenewedAt)
{
    /// <summary>The longest time a lease may be granted for, seconds. The number is etcd's.</summary>
    public const long MaxTtlSeconds = 9_000_000_000;
}
