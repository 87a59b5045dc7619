using Quorate.Raft;

namespace Quorate.Node.Groups;

/// <summary>One caller who waits until this node may read. Answered once; later answers find it answered.</summary>
internal sealed class ReadWaiter() : TaskCompletionSource<ReadResult>(TaskCreationOptions.RunContinuationsAsynchronously);

/// <summary>Reads that the core has been asked about, and reads it has granted that wait for the state machine.</summary>
/// <remarks>
/// Threading: the loop asks and grants; whoever applies releases. All reads that gather in one turn share one ticket, and so one round of the leader's.
/// </remarks>
internal sealed class ReadTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, List<ReadWaiter>> _asked = [];
    private readonly PriorityQueue<List<ReadWaiter>, ulong> _granted = new();
    private readonly Stack<List<ReadWaiter>> _spare = new();
    private ulong _tickets;
    private LogIndex _applied;

    /// <summary>Notes the readers of a turn and names them; their list is the table's from here on.</summary>
    public ulong Ask(ref List<ReadWaiter> waiters)
    {
        lock (_lock)
        {
            _asked.Add(++_tickets, waiters);
            waiters = _spare.TryPop(out var spare) ? spare : [];
            return _tickets;
        }
    }

    /// <summary>The core has answered: they may read once <see cref="ReadAnswer.Index"/> is applied, or were refused.</summary>
    public void Answer(in ReadAnswer answer)
    {
        List<ReadWaiter>? waiters;
        lock (_lock)
        {
            if (!_asked.Remove(answer.Ticket, out waiters))
                return;
            if (answer.Refused is null && answer.Index > _applied)
            {
                _granted.Enqueue(waiters, answer.Index.Value);
                return;
            }
        }

        Complete(waiters, answer.Refused is { } reason ? ReadResult.Rejected(reason) : ReadResult.Granted(answer.Index));
    }

    /// <summary>Everything up to <paramref name="index"/> can be read.</summary>
    public void Applied(LogIndex index)
    {
        while (true)
        {
            List<ReadWaiter> waiters;
            lock (_lock)
            {
                _applied = index;
                if (!_granted.TryPeek(out _, out var wants) || wants > index.Value)
                    return;
                waiters = _granted.Dequeue();
            }

            Complete(waiters, ReadResult.Granted(index));
        }
    }

    /// <summary>The node stops: nobody will answer any more.</summary>
    public void RejectAll(RejectReason reason)
    {
        List<List<ReadWaiter>> all;
        lock (_lock)
        {
            all = [.. _asked.Values, .. _granted.UnorderedItems.Select(item => item.Element)];
            _asked.Clear();
            _granted.Clear();
        }

        foreach (var waiters in all)
            Complete(waiters, ReadResult.Rejected(reason));
    }

    private void Complete(List<ReadWaiter> waiters, ReadResult result)
    {
        foreach (var waiter in waiters)
            waiter.TrySetResult(result);
        waiters.Clear();
        lock (_lock)
            _spare.Push(waiters);
    }
}
