namespace Quorate.Node.Driver;

/// <summary>While callers are being told their outcomes, what clients propose waits: those callers are about to propose again, and all of it then goes to the disk as one group.</summary>
/// <remarks>
/// <code>
///   told       ├─ a ─ b ─ c ─ d ─┤
///   proposed        a'  b'  c'  d' ├► one group: a' b' c' d', and not a' alone with the others behind its flush
/// </code>
/// It is short: each caller is told as soon as the pool has a thread, and after a millisecond nobody waits any more. Where one caller is told at a time there is nothing to wait for. Disk schedulers know the
/// idea as anticipation (Iyer and Druschel, 2001). Threading: any thread; who proposes calls <see cref="Signal"/> after what is proposed can be taken.
/// </remarks>
internal sealed class GroupCommitHold(TimeProvider time, Action signal)
{
    /// <summary>The longest that telling callers makes others wait. The next turn sees that it is over: that of the next tick, if nothing else happens.</summary>
    private static readonly TimeSpan HoldMax = TimeSpan.FromMilliseconds(1);

    private int _pendingCompletions;
    private long _since;

    /// <summary>The loop must hear of it when the last has been told.</summary>
    private int _isAwaited;

    /// <summary>Whether what was proposed should wait. If so, the loop is woken when it need no longer.</summary>
    public bool IsHolding
    {
        get
        {
            if (Volatile.Read(ref _pendingCompletions) == 0 || time.GetElapsedTime(Volatile.Read(ref _since)) > HoldMax)
                return false;

            // Said first and looked at afterwards, and the other side does it the other way round: one of the two sees the other.
            Interlocked.Exchange(ref _isAwaited, 1);
            return Volatile.Read(ref _pendingCompletions) != 0;
        }
    }

    /// <summary>Something waits, or did a moment ago, for the last to be told.</summary>
    public bool IsAwaited => Volatile.Read(ref _isAwaited) != 0;

    /// <summary>Something was proposed: wakes the loop, now or when the last caller has been told.</summary>
    public void Signal()
    {
        if (!IsHolding)
            signal();
    }

    /// <summary>So many callers are still to be told. One call after another.</summary>
    public void SetPendingCompletions(int count)
    {
        if (count > 0 && _pendingCompletions == 0)
            Volatile.Write(ref _since, time.GetTimestamp());
        Interlocked.Exchange(ref _pendingCompletions, count);
        if (count == 0 && Interlocked.Exchange(ref _isAwaited, 0) != 0)
            signal();
    }
}
