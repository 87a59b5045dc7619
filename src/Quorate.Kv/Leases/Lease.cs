using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>A lease: when it ends, the keys attached to it are deleted.</summary>
/// <param name="Id">The id of the lease; never 0.</param>
/// <param name="TtlSeconds">The time to live of the lease without a renewal, from 1 to <see cref="MaxTtlSeconds"/>.</param>
/// <param name="RenewedAt">The index of the log entry that granted the lease or last renewed it.</param>
/// <remarks>
/// The store has no clock: the server decides that a lease has expired and proposes a <see cref="LeaseExpireRequest"/>, which carries the
/// <see cref="RenewedAt"/> the decision was based on. A log index is never reused, so an expiry that is overtaken by a renewal, or by the
/// end of the lease and a new one with the same id, finds another index here and has no effect.
/// </remarks>
public readonly record struct Lease(long Id, long TtlSeconds, LogIndex RenewedAt)
{
    /// <summary>The maximum time to live of a lease, in seconds. The value is etcd's.</summary>
    public const long MaxTtlSeconds = 9_000_000_000;

    /// <summary>
    /// The time of the <see cref="LeaseClock"/> from which the age of the lease counts: the lease was renewed at that time or before. Null
    /// until the clock has been advanced twice since the renewal.
    /// </summary>
    public long? ClockAnchor { get; init; }
}
