using System.Diagnostics.CodeAnalysis;
using Quorate.Raft;

namespace Quorate.Node.Groups;

/// <summary>The readers of this node, on their way: those who have come, those the core was asked about, and those it has granted who wait for the state machine.</summary>
/// <remarks>
/// <code>
///   TryAdd ─► arrived ── TryAsk ──► asked ── Answer ──► granted ── Applied ──► may read
///                        a ticket for all                 at an index
/// </code>
/// All who gather until a ticket is free share it, and so one round of the leader's. Bounded: a caller is counted until it has its answer, whoever gives it, and only so many wait.
/// A caller who has given up may be anywhere in the table and is let go when such as it are more than the others: a node that nobody answers, because it knows no leader
/// or its questions are lost, holds its callers and no more, however many have come and gone.
/// Threading: any thread adds, the loop asks and grants, whoever applies releases.
/// </remarks>
internal sealed class ReadTable(int waitersMax)
{
    /// <summary>
    /// The most tickets the core has not answered. A leader needs one: a round is out, and who comes meanwhile shares the next. A follower's questions
    /// travel side by side; eight of them, and who comes waits for an eighth of a round trip.
    /// </summary>
    private const int TicketsMax = 8;

    /// <summary>So many callers who have gone are not worth a look at all lists.</summary>
    private const int GoneMin = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, List<ReadWaiter>> _asked = [];
    private readonly PriorityQueue<List<ReadWaiter>, ulong> _granted = new();
    private readonly Stack<List<ReadWaiter>> _spare = new();
    private List<ReadWaiter> _arrived = [];
    private ulong _tickets;
    private LogIndex _applied;

    /// <summary>Callers without an answer.</summary>
    private int _waiting;

    /// <summary>Callers in the lists, those who have given up among them.</summary>
    private int _held;

    /// <summary>Callers in the table, those who have given up among them; for tests.</summary>
    public int Held
    {
        get
        {
            lock (_lock)
                return _held;
        }
    }

    /// <summary>Takes another caller. False when as many wait as may.</summary>
    public bool TryAdd([NotNullWhen(true)] out ReadWaiter? waiter)
    {
        lock (_lock)
        {
            waiter = null;
            var waiting = Volatile.Read(ref _waiting);
            if (waiting >= waitersMax)
                return false;

            // Each look at all lists lets go of at least half of what they hold.
            if (_held > GoneMin + (2 * waiting))
                LetGo();
            Interlocked.Increment(ref _waiting);
            _held++;
            _arrived.Add(waiter = new ReadWaiter(this));
            return true;
        }
    }

    /// <summary>A caller has its answer.</summary>
    public void OnAnswered() => Interlocked.Decrement(ref _waiting);

    /// <summary>Names all who have come, for the core to be asked about. False when nobody has, or too many tickets wait for their answer.</summary>
    public bool TryAsk(out ulong ticket)
    {
        lock (_lock)
        {
            ticket = 0;
            if (_arrived.Count == 0 || _asked.Count >= TicketsMax)
                return false;
            _asked.Add(ticket = ++_tickets, _arrived);
            _arrived = _spare.TryPop(out var spare) ? spare : [];
            return true;
        }
    }

    /// <summary>The core has answered: they may read once <see cref="ReadIndexResult.Index"/> is applied, or were refused.</summary>
    public void Answer(in ReadIndexResult answer)
    {
        List<ReadWaiter>? waiters;
        lock (_lock)
        {
            if (!_asked.Remove(answer.Ticket, out waiters))
                return;
            if (answer.RejectReason is null && answer.Index > _applied)
            {
                _granted.Enqueue(waiters, answer.Index.Value);
                return;
            }

            _held -= waiters.Count;
        }

        Complete(waiters, answer.RejectReason is { } reason ? ReadResult.Rejected(reason) : ReadResult.Granted(answer.Index));
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
                _held -= waiters.Count;
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
            all = [_arrived, .. _asked.Values, .. _granted.UnorderedItems.Select(static item => item.Element)];
            _arrived = [];
            _asked.Clear();
            _granted.Clear();
            _held = 0;
        }

        foreach (var waiters in all)
            Complete(waiters, ReadResult.Rejected(reason));
    }

    private void Complete(List<ReadWaiter> waiters, ReadResult result)
    {
        foreach (var waiter in waiters)
            waiter.Answer(result);
        waiters.Clear();
        lock (_lock)
            _spare.Push(waiters);
    }

    private void LetGo()
    {
        _held -= LetGo(_arrived);
        foreach (var waiters in _asked.Values)
            _held -= LetGo(waiters);

        var granted = _granted.UnorderedItems.ToArray();
        _granted.Clear();
        foreach (var (waiters, index) in granted)
        {
            _held -= LetGo(waiters);
            if (waiters.Count > 0)
                _granted.Enqueue(waiters, index);
        }
    }

    private static int LetGo(List<ReadWaiter> waiters) => waiters.RemoveAll(static waiter => waiter.Task.IsCompleted);
}
