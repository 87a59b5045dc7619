using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// The proposals of this node that have no outcome yet, and the queue of those among them that the driver has not taken. Each receives
/// exactly one outcome: the first that any component reports.
/// </summary>
/// <remarks>
/// <code>
///   caller ─ TryAdd ─► queue ─ Drain ─► core ─► log ─► applier ─ Complete ─► caller
///                                        └────── driver ─ Reject ──────────► caller
///            Withdraw: from the queue as rejected, later as indeterminate ─► caller
///            CompleteAll: from the queue as rejected, later as indeterminate ► caller
/// </code>
/// The queue is bounded; a proposal that does not fit is refused at once. Without a leader the driver takes nothing, so a proposal waits
/// for one in the queue.
/// Threading: any thread adds and withdraws, the driver drains and rejects, the applier completes. One lock covers the assignment of a
/// sequence number and the queue, so the core receives ascending numbers: the leader recognises a repeated forwarded proposal by its
/// number, and remembers only a limited window of numbers that arrived out of order.
/// Shape: sequence numbers start at a random number at each start of the node, so that a command that an earlier process left in the log
/// is not mistaken for one of these.
/// </remarks>
internal sealed class PendingProposals<TResult> : IPendingProposals
{
    private readonly NodeId _self;
    private readonly int _queuedMax;
    private readonly long _queuedBytesMax;
    private readonly GroupCommitHold _hold;
    private readonly ICompletionDispatcher<ProposalResult<TResult>> _dispatcher;
    private readonly IGroupObserver? _observer;

    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, PendingProposal> _pending = [];
    private ProposalBatch _queue = new();
    private long _queuedBytes;

    /// <summary>The number of queued proposals that were withdrawn and must not be taken.</summary>
    private int _withdrawnInQueue;

    private List<ulong> _withdrawn = [];
    private TaskCompletionSource? _emptied;
    private ulong _sequence;

    /// <summary>The driver has taken the proposals up to this one; those above it are in the queue.</summary>
    private ulong _taken;

    /// <summary>The completions of one batch of the applier; only the applier uses it.</summary>
    private readonly List<Completion<ProposalResult<TResult>>> _completions = [];

    /// <param name="self">This node, the origin of the proposals.</param>
    /// <param name="firstSequence">The number before that of the first proposal.</param>
    /// <param name="queuedMax">The most proposals in the queue.</param>
    /// <param name="queuedBytesMax">The most bytes of commands in the queue; a single larger command fits into an empty queue.</param>
    /// <param name="hold">Holds queued proposals back while completions are being delivered.</param>
    /// <param name="dispatcher">Completes the callers' tasks.</param>
    /// <param name="observer">Receives the durations of committed proposals, if they are measured.</param>
    public PendingProposals(
        NodeId self, ulong firstSequence, int queuedMax, long queuedBytesMax, GroupCommitHold hold,
        ICompletionDispatcher<ProposalResult<TResult>> dispatcher, IGroupObserver? observer = null)
    {
        (_self, _sequence, _taken, _queuedMax, _queuedBytesMax) = (self, firstSequence, firstSequence, queuedMax, queuedBytesMax);
        (_hold, _dispatcher, _observer) = (hold, dispatcher, observer);
    }

    /// <summary>The number of proposals without an outcome.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _pending.Count;
        }
    }

    /// <summary>
    /// Assigns an id to a command, registers it as pending, queues it, and signals the driver. Returns false when the queue is full; then
    /// nothing was registered.
    /// </summary>
    public bool TryAdd(
        ReadOnlyMemory<byte> command, Term expectedTerm, out ProposalId id,
        [NotNullWhen(true)] out Task<ProposalResult<TResult>>? outcome, EntryKind kind = EntryKind.Command)
    {
        lock (_lock)
        {
            if (_queue.Count >= _queuedMax || (_queuedBytes > 0 && _queuedBytes + command.Length > _queuedBytesMax))
            {
                id = ProposalId.None;
                outcome = null;
                return false;
            }

            // No RunContinuationsAsynchronously: the dispatcher decides where the continuation runs.
            var source = new TaskCompletionSource<ProposalResult<TResult>>();
            outcome = source.Task;
            id = new ProposalId(_self, ++_sequence);
            _pending.Add(id.Sequence, new PendingProposal(source, _observer is null ? 0 : Stopwatch.GetTimestamp()));
            _queue.Add(new Proposal(id, command) { ExpectedTerm = expectedTerm, Kind = kind });
            _queuedBytes += command.Length;
        }

        _hold.Signal();
        return true;
    }

    /// <summary>
    /// Completes a proposal whose caller has stopped waiting: as rejected if it is still in the queue, which it leaves, or else as
    /// indeterminate. Returns false if it already has an outcome.
    /// </summary>
    public bool Withdraw(ulong sequence)
    {
        PendingProposal pending;
        bool isQueued;
        lock (_lock)
        {
            if (!TryRemove(sequence, out pending))
                return false;
            isQueued = sequence > _taken;
            if (!isQueued)
                _withdrawn.Add(sequence);
            else if (++_withdrawnInQueue > _queue.Count / 2)
                RemoveWithdrawnFromQueue();
        }

        var outcome = isQueued
            ? ProposalResult<TResult>.Rejected(RejectReason.NoLeader, NodeId.None)
            : ProposalResult<TResult>.Indeterminate;
        _dispatcher.Dispatch([new(pending.Source, outcome)]);
        return true;
    }

    /// <inheritdoc/>
    public void Drain(bool hasLeader, ref ProposalBatch proposals, ref List<ulong> withdrawn)
    {
        if (_hold.IsHolding)
            return;
        lock (_lock)
        {
            (withdrawn, _withdrawn) = (_withdrawn, withdrawn);
            if (!hasLeader)
                return;
            if (_withdrawnInQueue > 0)
                RemoveWithdrawnFromQueue();
            (proposals, _queue) = (_queue, proposals);
            (_queuedBytes, _taken) = (0, _sequence);
        }
    }

    /// <inheritdoc/>
    public void Reject(in ProposalRejection rejection, NodeId leader)
    {
        PendingProposal pending;
        lock (_lock)
        {
            if (!TryRemove(rejection.Proposal.Sequence, out pending))
                return;
        }

        _dispatcher.Dispatch([new(pending.Source, ProposalResult<TResult>.Rejected(rejection.Reason, leader))]);
    }

    /// <inheritdoc/>
    public void CompleteIndeterminate(ProposalId proposal)
    {
        PendingProposal pending;
        lock (_lock)
        {
            if (!TryRemove(proposal.Sequence, out pending))
                return;
        }

        _dispatcher.Dispatch([new(pending.Source, ProposalResult<TResult>.Indeterminate)]);
    }

    /// <summary>Completes those of the given proposals that have no outcome yet, in order. For the applier only.</summary>
    public void Complete(List<(ulong Sequence, ProposalResult<TResult> Result)> results)
    {
        lock (_lock)
        {
            foreach (var (sequence, result) in results)
            {
                if (!TryRemove(sequence, out var pending))
                    continue;
                _completions.Add(new(pending.Source, result));
                _observer?.OnCommitted(Stopwatch.GetElapsedTime(pending.QueuedAt));
            }
        }

        _dispatcher.Dispatch(CollectionsMarshal.AsSpan(_completions));
        _completions.Clear();
    }

    /// <summary>Rejects the proposals that the driver has not taken: they were never proposed, so another member can take them.</summary>
    public void RejectQueued()
    {
        var rejected = new List<Completion<ProposalResult<TResult>>>();
        lock (_lock)
        {
            foreach (ref readonly var proposal in _queue.Memory.Span)
            {
                if (TryRemove(proposal.Id.Sequence, out var pending))
                    rejected.Add(new(pending.Source, ProposalResult<TResult>.Rejected(RejectReason.NoLeader, NodeId.None)));
            }

            _queue.Clear();
            (_queuedBytes, _withdrawnInQueue) = (0, 0);
        }

        _dispatcher.Dispatch(CollectionsMarshal.AsSpan(rejected));
    }

    /// <summary>Completes when no proposal is without an outcome.</summary>
    public Task WhenEmptyAsync()
    {
        lock (_lock)
        {
            if (_pending.Count == 0)
                return Task.CompletedTask;
            _emptied ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _emptied.Task;
        }
    }

    /// <summary>
    /// Completes all proposals when the node stops and will not learn their outcomes: as indeterminate, those in the queue as rejected.
    /// </summary>
    public void CompleteAll()
    {
        RejectQueued();
        Completion<ProposalResult<TResult>>[] all;
        lock (_lock)
        {
            all =
            [
                .. _pending.Values.Select(static pending =>
                    new Completion<ProposalResult<TResult>>(pending.Source, ProposalResult<TResult>.Indeterminate)),
            ];
            _pending.Clear();
            _emptied?.TrySetResult();
        }

        _dispatcher.Dispatch(all);
    }

    /// <summary>Called with the lock held.</summary>
    private bool TryRemove(ulong sequence, out PendingProposal pending)
    {
        var isRemoved = _pending.Remove(sequence, out pending);
        if (_pending.Count == 0)
            _emptied?.TrySetResult();
        return isRemoved;
    }

    /// <summary>Called with the lock held, so rarely that its cost is spread over as many withdrawals.</summary>
    private void RemoveWithdrawnFromQueue()
    {
        _queue.RetainAll(proposal => _pending.ContainsKey(proposal.Id.Sequence));
        _withdrawnInQueue = 0;
        _queuedBytes = 0;
        foreach (ref readonly var proposal in _queue.Memory.Span)
            _queuedBytes += proposal.Command.Length;
    }

    private readonly record struct PendingProposal(TaskCompletionSource<ProposalResult<TResult>> Source, long QueuedAt);
}
