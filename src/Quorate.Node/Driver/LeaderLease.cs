using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>The lease of this node while it leads: until when no other leader can have been elected, and what was committed.</summary>
/// <remarks>
/// <code>
///   request sent         granted by a quorum                          used at most until             the voters elect again
///   ├─────────────────────────┼──────────────────────────────────────────┼──────────────────────────────┤
///   start                                             start + duration · (1 − drift)             start + duration, by their clocks
/// </code>
/// The driver publishes the lease after each step and before it carries out the effects of the step: so a lease that this node has lost is
/// ended before its own vote for another leader is sent, and before TimeoutNow.
/// Threading: the driver updates; any thread reads.
/// </remarks>
/// <param name="duration">The lease that the core requests; zero: this node has no leases.</param>
/// <param name="driftMax">The fraction by which the clocks of two members may differ in rate.</param>
/// <param name="clock">A monotonic clock that counts suspension; null: the system has none, and there are no leases.</param>
internal sealed class LeaderLease(TimeSpan duration, double driftMax, TimeProvider? clock)
{
    private readonly Lock _lock = new();
    private readonly TimeSpan _usable =
        (duration * (1 - driftMax)) - (clock is BootTimeProvider ? BootTimeProvider.Resolution : TimeSpan.Zero);

    private Term _term;
    private ulong _start;
    private LogIndex _commit;
    private bool _hasEnded;

    /// <summary>Whether this node requests leases while it leads.</summary>
    public bool IsOn => duration > TimeSpan.Zero && clock is not null;

    /// <summary>The clock, for the core: the number of the present moment, more than 0.</summary>
    public ulong Now => (ulong)Math.Max(1, clock!.GetTimestamp());

    /// <summary>Publishes the lease of the core, or that it has none.</summary>
    public void Update(RaftCore core)
    {
        var (start, commit) = (core.LeaseStart, core.CommitIndex);
        lock (_lock)
            (_term, _start, _commit) = (core.Term, start, commit);
    }

    /// <summary>Ends the lease for good: the node stops, and its next process may vote.</summary>
    public void End()
    {
        lock (_lock)
            _hasEnded = true;
    }

    /// <summary>
    /// Returns the term of the lease and an index up to which everything is committed that any node has acknowledged before; false if there
    /// is no lease.
    /// </summary>
    public bool TryGet(out Term term, out LogIndex commit)
    {
        lock (_lock)
        {
            (term, commit) = (_term, _commit);
            return IsRunning;
        }
    }

    /// <summary>Whether this node leads in the term, and no other leader can have been elected up to now.</summary>
    public bool IsHeld(Term term)
    {
        lock (_lock)
            return _term == term && IsRunning;
    }

    private bool IsRunning => IsOn && !_hasEnded && _start != 0 && clock!.GetElapsedTime((long)_start) < _usable;
}
