using Quorate.Node.Threading;

namespace Quorate.Node.Driver;

/// <summary>
/// Holds back new proposals while completions are being delivered: the completed callers are about to propose again, and all of their
/// proposals then go to the disk as one group.
/// </summary>
/// <remarks>
/// <code>
///   completed   ├─ a ─ b ─ c ─ d ─┤
///   proposed         a'  b'  c'  d' ├► one group: a' b' c' d', instead of a' alone and the others behind its flush
/// </code>
/// The hold is short: a completion is delivered as soon as the thread pool has a thread, and after a millisecond the hold ends. With a
/// single completion at a time there is nothing to hold. Disk schedulers call this anticipation (Iyer and Druschel, 2001). Threading: any
/// thread. <see cref="PendingProposals{TResult}"/> owns it, and calls <see cref="Signal"/> after a proposal is in the queue.
/// </remarks>
internal sealed class GroupCommitHold(TimeProvider time, ILoop loop) : IPendingCompletionsObserver
{
    /// <summary>The longest hold. The next iteration observes that it has expired: at the latest the iteration of the next tick.</summary>
    private static readonly TimeSpan HoldMax = TimeSpan.FromMilliseconds(1);

    private int _pendingCompletions;
    private long _since;

    /// <summary>Whether the driver must be signalled when the last pending completion has been delivered.</summary>
    private int _isAwaited;

    /// <summary>Whether new proposals are held back. If so, the driver is signalled when the hold ends.</summary>
    public bool IsHolding
    {
        get
        {
            if (Volatile.Read(ref _pendingCompletions) == 0 || time.GetElapsedTime(Volatile.Read(ref _since)) > HoldMax)
                return false;

            // Publish _isAwaited before reading _pendingCompletions again; SetPendingCompletions accesses them in the opposite order, so at
            // least one side observes the other.
            Interlocked.Exchange(ref _isAwaited, 1);
            return Volatile.Read(ref _pendingCompletions) != 0;
        }
    }

    /// <summary>Whether a proposal waits, or waited a moment ago, for the last pending completion.</summary>
    public bool IsAwaited => Volatile.Read(ref _isAwaited) != 0;

    /// <summary>Signals the driver that there is a new proposal: at once, or when the hold ends.</summary>
    public void Signal()
    {
        if (!IsHolding)
            loop.Signal();
    }

    /// <summary>Sets the number of completions that are still to be delivered. One call at a time.</summary>
    public void SetPendingCompletions(int count)
    {
        if (count > 0 && _pendingCompletions == 0)
            Volatile.Write(ref _since, time.GetTimestamp());
        Interlocked.Exchange(ref _pendingCompletions, count);
        if (count == 0 && Interlocked.Exchange(ref _isAwaited, 0) != 0)
            loop.Signal();
    }
}
