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
/// A read that only requires an index begins at the last stage, and so does one with a bound on its staleness, if a ticket that was issued
/// that recently has been granted and its index is applied: then the state machine has everything that was acknowledged before. So does one
/// at a leader with a lease: the index is what the leader has committed.
/// Threading: any thread adds, the driver issues tickets and reports results, the applier completes granted reads.
/// </remarks>
/// <param name="pendingMax">The most reads without a result.</param>
/// <param name="clock">
/// A monotonic clock that counts suspension; null: the system has none, so nothing is known to be recent.
/// </param>
/// <param name="lease">The lease of this node while it leads; null: it has none.</param>
internal sealed class PendingReads(int pendingMax, TimeProvider? clock = null, LeaderLease? lease = null)
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
    private readonly Dictionary<ulong, IssuedReads> _issued = [];
    private readonly PriorityQueue<IssuedReads, ulong> _granted = new();
    private readonly Stack<List<PendingRead>> _spareLists = new();
    private List<PendingRead> _arrived = [];
    private ulong _tickets;
    private LogIndex _applied;

    /// <summary>When the newest ticket was issued that was granted and whose index is applied; null: there was none.</summary>
    private long? _confirmedAt;

    /// <summary>Why all reads are rejected from now on; null: they are not.</summary>
    private RejectReason? _rejection;

    /// <summary>Reads without a result.</summary>
    private int _pending;

    /// <summary>Reads in the lists, including abandoned ones.</summary>
    private int _countWithAbandoned;

    /// <summary>The lease of this node while it leads.</summary>
    public LeaderLease? Lease => lease;

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

    /// <summary>
    /// Adds a read, which may have its result at once. Returns false when the limit of pending reads is reached.
    /// </summary>
    public bool TryAdd([NotNullWhen(true)] out PendingRead? read, in ReadOptions options = default)
    {
        ReadResult result;
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
            var (index, leaseTerm) = (options.AtLeastIndex, Term.Zero);
            if (!options.IsIndexOnly && !(options.MaxStaleness is { } staleness && IsConfirmedWithin(staleness)))
            {
                if (!options.AllowLease || lease is null || !lease.TryGet(out leaseTerm, out var commit))
                {
                    _countWithAbandoned++;
                    _arrived.Add(read = new PendingRead(this, index));
                    return true;
                }

                index = LogIndex.Max(index, commit);
            }

            read = new PendingRead(this, index, leaseTerm);
            if (index > _applied)
            {
                _countWithAbandoned++;
                _granted.Enqueue(new IssuedReads([read], IssuedAt: null), index.Value);
                return true;
            }

            result = _rejection is { } rejection ? ReadResult.Rejected(rejection) : ReadResult.Granted(_applied);
        }

        read.Complete(result);
        return true;
    }

    private bool IsConfirmedWithin(TimeSpan staleness) => _confirmedAt is { } at && clock!.GetElapsedTime(at) <= staleness;

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
            _issued.Add(ticket = ++_tickets, new IssuedReads(_arrived, clock?.GetTimestamp()));
            _arrived = _spareLists.TryPop(out var spare) ? spare : [];
            return true;
        }
    }

    /// <summary>
    /// Handles the core's result for a ticket: its reads are granted once <see cref="ReadIndexResult.Index"/> is applied, or rejected.
    /// </summary>
    public void OnReadIndexResult(in ReadIndexResult result)
    {
        IssuedReads issued;
        lock (_lock)
        {
            if (!_issued.Remove(result.Ticket, out issued))
                return;
            if (result.RejectReason is null && result.Index > _applied)
            {
                _granted.Enqueue(issued, result.Index.Value);
                return;
            }

            if (result.RejectReason is null)
                OnConfirmed(issued, _applied);
            _countWithAbandoned -= issued.Reads.Count;
        }

        Complete(issued.Reads, result.RejectReason is { } reason ? ReadResult.Rejected(reason) : ReadResult.Granted(result.Index));
    }

    /// <summary>Completes the granted reads up to <paramref name="index"/>, which is applied and visible to readers.</summary>
    public void OnApplied(LogIndex index)
    {
        while (true)
        {
            IssuedReads issued;
            lock (_lock)
            {
                _applied = index;
                if (!_granted.TryPeek(out _, out var requiredIndex) || requiredIndex > index.Value)
                    return;
                issued = _granted.Dequeue();
                OnConfirmed(issued, index);
                _countWithAbandoned -= issued.Reads.Count;
            }

            Complete(issued.Reads, ReadResult.Granted(index));
        }
    }

    /// <summary>
    /// The index of a ticket is applied: whatever was acknowledged before the ticket was issued is in the state machine. Reads that also
    /// require a later index wait for it.
    /// </summary>
    private void OnConfirmed(in IssuedReads issued, LogIndex applied)
    {
        if (issued.IssuedAt is { } at && (_confirmedAt is not { } newest || at > newest))
            _confirmedAt = at;
        for (var i = issued.Reads.Count - 1; i >= 0; i--)
        {
            if (issued.Reads[i].AtLeastIndex <= applied)
                continue;
            _granted.Enqueue(new IssuedReads([issued.Reads[i]], IssuedAt: null), issued.Reads[i].AtLeastIndex.Value);
            issued.Reads.RemoveAt(i);
        }
    }

    /// <summary>Fails all reads when the node stops: no component would complete them any more.</summary>
    public void FailAll(NodeStoppedException stopped)
    {
        lease?.End();
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
                .. _arrived, .. _issued.Values.SelectMany(static issued => issued.Reads),
                .. _granted.UnorderedItems.SelectMany(static item => item.Element.Reads),
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
        {
            if (_spareLists.Count < 2 * TicketsMax)
                _spareLists.Push(reads);
        }
    }

    private void RemoveAbandoned()
    {
        _countWithAbandoned -= RemoveAbandoned(_arrived);
        foreach (var issued in _issued.Values)
            _countWithAbandoned -= RemoveAbandoned(issued.Reads);

        var granted = _granted.UnorderedItems.ToArray();
        _granted.Clear();
        foreach (var (issued, index) in granted)
        {
            // Of a ticket, at least the time is of use when its index is applied.
            _countWithAbandoned -= RemoveAbandoned(issued.Reads);
            if (issued.Reads.Count > 0 || issued.IssuedAt is not null)
                _granted.Enqueue(issued, index);
        }
    }

    private static int RemoveAbandoned(List<PendingRead> reads) => reads.RemoveAll(static read => read.Task.IsCompleted);

    /// <summary>Reads that become granted together.</summary>
    /// <param name="Reads">The reads.</param>
    /// <param name="IssuedAt">When their ticket was issued; null: they need none, or there is no clock.</param>
    private readonly record struct IssuedReads(List<PendingRead> Reads, long? IssuedAt);
}
