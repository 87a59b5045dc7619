namespace Quorate.Node.Groups;

/// <summary>While callers are being told their outcomes, what clients propose waits: those callers are about to propose again, and all of it then goes to the disk as one group.</summary>
/// <remarks>
/// <code>
///   told       ├─ a ─ b ─ c ─ d ─┤
///   proposed        a'  b'  c'   ├► one group: a' b' c', and not a' alone with the others behind its flush
/// </code>
/// It is short: each caller is told as soon as the pool has a thread. When it has none, the next tick of the clock ends the waiting, and with nobody to be told there is none. Disk schedulers know the
/// idea as anticipation (Iyer and Druschel, 2001). Threading: any thread; who proposes calls <see cref="Wake"/> after what is proposed can be taken, who tells calls <see cref="Untold"/> before the last is told.
/// </remarks>
internal sealed class AnswersFirst(Action wake)
{
    private int _untold;

    /// <summary>Something waits, or may: the loop must hear of it when the last has been told.</summary>
    private int _isAwaited;

    /// <summary>Whether what was proposed should wait. If so, the loop is woken when it need no longer.</summary>
    public bool IsHolding
    {
        get
        {
            if (Volatile.Read(ref _untold) == 0)
                return false;

            // Said first and looked at afterwards, and the other side does it the other way round: one of the two sees the other.
            Interlocked.Exchange(ref _isAwaited, 1);
            return Volatile.Read(ref _untold) != 0;
        }
    }

    /// <summary>Something was proposed: wakes the loop, now or when the last caller is being told.</summary>
    public void Wake()
    {
        if (!IsHolding)
            wake();
    }

    /// <summary>So many callers have not been told yet, and wait for it. One call after another.</summary>
    public void Untold(int callers)
    {
        Interlocked.Exchange(ref _untold, callers);
        if (callers == 0 && Interlocked.Exchange(ref _isAwaited, 0) != 0)
            wake();
    }
}
