using System.Diagnostics.CodeAnalysis;
using Quorate.Raft;

namespace Quorate.Node.Driver;

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
internal sealed class PendingReads(int pendingMax)
{
    /// <summary>
    /// The most tickets the core has not answered. A leader needs one: a round is out, and who comes meanwhile shares the next. A follower's questions
    /// travel side by side; eight of them, and who comes waits for an eighth of a round trip.
    /// </summary>
    private const int TicketsMax = 8;

    /// <summary>So many callers who have gone are not worth a look at all lists.</summary>
    private const int AbandonedMin = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, List<PendingRead>> _issued = [];
    private readonly PriorityQueue<List<PendingRead>, ulong> _granted = new();
    private readonly Stack<List<PendingRead>> _spareLists = new();
    private List<PendingRead> _arrived = [];
    private ulong _tickets;
    private LogIndex _applied;

    /// <summary>Callers without an answer.</summary>
    private int _pending;

    /// <summary>Callers in the lists, those who have given up among them.</summary>
    private int _countWithAbandoned;

    /// <summary>Callers in the table, those who have given up among them; for tests.</summary>
    public int CountWithAbandoned
    {
        get
        {
            lock (_lock)
                return _countWithAbandoned;
        }
    }

    /// <summary>Takes another caller. False when as many wait as may.</summary>
    public bool TryAdd([NotNullWhen(true)] out PendingRead? read)
    {
        lock (_lock)
        {
            read = null;
            var pending = Volatile.Read(ref _pending);
            if (pending >= pendingMax)
                return false;

            // Each look at all lists lets go of at least half of what they hold.
            if (_countWithAbandoned > AbandonedMin + (2 * pending))
                RemoveAbandoned();
            Interlocked.Increment(ref _pending);
            _countWithAbandoned++;
            _arrived.Add(read = new PendingRead(this));
            return true;
        }
    }

    /// <summary>A caller has its answer.</summary>
    public void OnCompleted() => Interlocked.Decrement(ref _pending);

    /// <summary>Names all who have come, for the core to be asked about. False when nobody has, or too many tickets wait for their answer.</summary>
    public bool TryIssue(out ulong ticket)
    {
        lock (_lock)
        {
            ticket = 0;
            if (_arrived.Count == 0 || _issued.Count >= TicketsMax)
                return false;
            _issued.Add(ticket = ++_tickets, _arrived);
            _arrived = _spareLists.TryPop(out var spare) ? spare : [];
            return true;
        }
    }

    /// <summary>The core has answered: they may read once <see cref="ReadIndexResult.Index"/> is applied, or were refused.</summary>
    public void OnReadIndexResult(in ReadIndexResult result)
    {
        List<PendingRead>? reads;
        lock (_lock)
        {
            if (!_issued.Remove(result.Ticket, out reads))
                return;
            if (result.RejectReason is null && result.Index > _applied)
            {
                _granted.Enqueue(reads, result.Index.Value);
                return;
            }

            _countWithAbandoned -= reads.Count;
        }

        Complete(reads, result.RejectReason is { } reason ? ReadResult.Rejected(reason) : ReadResult.Granted(result.Index));
    }

    /// <summary>Everything up to <paramref name="index"/> can be read.</summary>
    public void OnApplied(LogIndex index)
    {
        while (true)
        {
            List<PendingRead> reads;
            lock (_lock)
            {
                _applied = index;
                if (!_granted.TryPeek(out _, out var requiredIndex) || requiredIndex > index.Value)
                    return;
                reads = _granted.Dequeue();
                _countWithAbandoned -= reads.Count;
            }

            Complete(reads, ReadResult.Granted(index));
        }
    }

    /// <summary>The node stops: nobody will answer any more.</summary>
    public void RejectAll(RejectReason reason)
    {
        List<List<PendingRead>> all;
        lock (_lock)
        {
            all = [_arrived, .. _issued.Values, .. _granted.UnorderedItems.Select(static item => item.Element)];
            _arrived = [];
            _issued.Clear();
            _granted.Clear();
            _countWithAbandoned = 0;
        }

        foreach (var reads in all)
            Complete(reads, ReadResult.Rejected(reason));
    }

    private void Complete(List<PendingRead> reads, ReadResult result)
    {
        foreach (var read in reads)
            read.Complete(result);
        reads.Clear();
        lock (_lock)
            _spareLists.Push(reads);
    }

    private void RemoveAbandoned()
    {
        _countWithAbandoned -= RemoveAbandoned(_arrived);
        foreach (var reads in _issued.Values)
            _countWithAbandoned -= RemoveAbandoned(reads);

        var granted = _granted.UnorderedItems.ToArray();
        _granted.Clear();
        foreach (var (reads, index) in granted)
        {
            _countWithAbandoned -= RemoveAbandoned(reads);
            if (reads.Count > 0)
                _granted.Enqueue(reads, index);
        }
    }

    private static int RemoveAbandoned(List<PendingRead> reads) => reads.RemoveAll(static read => read.Task.IsCompleted);
}
