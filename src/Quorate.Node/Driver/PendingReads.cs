using System.Diagnostics.CodeAnalysis;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// The read requests of this node, in three stages: not yet issued to the core, issued, and granted but waiting for the state machine.
/// </summary>
/// <remarks>
/// <code>
///   TryAdd ─► arrived ── TryIssue ─► issued ── OnReadIndexResult ─► granted ── OnApplied ─► may read
///                        one ticket for all          at an index
/// </code>
/// All reads that gather until a ticket is free share it, and with it one round of the leader. The number is bounded: a read counts until
/// it has a result, whichever component completes it, and only <c>pendingMax</c> may wait.
/// Abandoned reads can be in any list. They are removed lazily, once they outnumber the pending ones: a node whose requests get no reply,
/// because it knows no leader or its messages are lost, uses memory in proportion to its current callers, however many callers have come
/// and gone.
/// Threading: any thread adds, the driver issues tickets and reports results, the applier completes granted reads.
/// </remarks>
internal sealed class PendingReads(int pendingMax)
{
    /// <summary>
    /// The most tickets without a result from the core. A leader needs only one: while its round is in flight, further reads share the next
    /// ticket. A follower's ReadIndex requests are in flight side by side; with eight of them, a new read waits for an eighth of a round
    /// trip.
    /// </summary>
    private const int TicketsMax = 8;

    /// <summary>Abandoned reads are not removed while there are at most this many: scanning all lists would not pay.</summary>
    private const int AbandonedMin = 64;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, List<PendingRead>> _issued = [];
    private readonly PriorityQueue<List<PendingRead>, ulong> _granted = new();
    private readonly Stack<List<PendingRead>> _spareLists = new();
    private List<PendingRead> _arrived = [];
    private ulong _tickets;
    private LogIndex _applied;

    /// <summary>Why all reads are rejected from now on; null: they are not.</summary>
    private RejectReason? _rejection;

    /// <summary>Reads without a result.</summary>
    private int _pending;

    /// <summary>Reads in the lists, including abandoned ones.</summary>
    private int _countWithAbandoned;

    /// <summary>Reads without a result.</summary>
    public int Count => Volatile.Read(ref _pending);

    /// <summary>Reads in all lists, including abandoned ones; for tests.</summary>
    public int CountWithAbandoned
    {
        get
        {
            lock (_lock)
                return _countWithAbandoned;
        }
    }

    /// <summary>Adds a read. Returns false when the limit of pending reads is reached.</summary>
    public bool TryAdd([NotNullWhen(true)] out PendingRead? read)
    {
        lock (_lock)
        {
            read = null;
            var pending = Volatile.Read(ref _pending);
            if (pending >= pendingMax)
                return false;

            // Each scan of all lists removes at least half of their reads.
            if (_countWithAbandoned > AbandonedMin + (2 * pending))
                RemoveAbandoned();
            Interlocked.Increment(ref _pending);
            _countWithAbandoned++;
            _arrived.Add(read = new PendingRead(this));
            return true;
        }
    }

    /// <summary>Called when a read has received its result.</summary>
    public void OnCompleted() => Interlocked.Decrement(ref _pending);

    /// <summary>
    /// Assigns a ticket to all reads that have arrived, to be issued to the core. Returns false when there are none, or when too many
    /// tickets have no result yet.
    /// </summary>
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

    /// <summary>
    /// Handles the core's result for a ticket: its reads are granted once <see cref="ReadIndexResult.Index"/> is applied, or rejected.
    /// </summary>
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

    /// <summary>Completes the granted reads up to <paramref name="index"/>, which is applied and visible to readers.</summary>
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

    /// <summary>Fails all reads when the node stops: no component would complete them any more.</summary>
    public void FailAll(NodeStoppedException stopped)
    {
        foreach (var read in TakeAll(rejection: null))
            read.Fail(stopped);
    }

    /// <summary>Rejects all reads, and those that are added later.</summary>
    public void RejectAll(RejectReason reason)
    {
        foreach (var read in TakeAll(reason))
            read.Complete(ReadResult.Rejected(reason));
    }

    private PendingRead[] TakeAll(RejectReason? rejection)
    {
        lock (_lock)
        {
            _rejection ??= rejection;
            PendingRead[] all =
            [
                .. _arrived, .. _issued.Values.SelectMany(static reads => reads),
                .. _granted.UnorderedItems.SelectMany(static item => item.Element),
            ];
            _arrived = [];
            _issued.Clear();
            _granted.Clear();
            _countWithAbandoned = 0;
            return all;
        }
    }

    private void Complete(List<PendingRead> reads, ReadResult result)
    {
        lock (_lock)
        {
            if (_rejection is { } rejection)
                result = ReadResult.Rejected(rejection);
        }

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
