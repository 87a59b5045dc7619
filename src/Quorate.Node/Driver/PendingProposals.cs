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
///            Withdraw, CompleteAll: at any point ──────────────────────────► caller, as indeterminate
/// </code>
/// The queue is bounded; a proposal that does not fit is refused at once.
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
    private List<ulong> _withdrawn = [];
    private ulong _sequence;

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
        (_self, _sequence, _queuedMax, _queuedBytesMax) = (self, firstSequence, queuedMax, queuedBytesMax);
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
        [NotNullWhen(true)] out Task<ProposalResult<TResult>>? outcome)
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
            _queue.Add(new Proposal(id, command) { ExpectedTerm = expectedTerm });
            _queuedBytes += command.Length;
        }

        _hold.Signal();
        return true;
    }

    /// <summary>
    /// Completes a proposal whose caller has stopped waiting as indeterminate; returns false if it already has an outcome.
    /// </summary>
    public bool Withdraw(ulong sequence)
    {
        if (!Complete(sequence, ProposalResult<TResult>.Indeterminate))
            return false;
        lock (_lock)
            _withdrawn.Add(sequence);
        return true;
    }

    /// <inheritdoc/>
    public void Drain(ref ProposalBatch proposals, ref List<ulong> withdrawn)
    {
        if (_hold.IsHolding)
            return;
        lock (_lock)
        {
            (proposals, _queue) = (_queue, proposals);
            (withdrawn, _withdrawn) = (_withdrawn, withdrawn);
            _queuedBytes = 0;
        }
    }

    /// <inheritdoc/>
    public void Reject(in ProposalRejection rejection, NodeId leader) =>
        Complete(rejection.Proposal.Sequence, ProposalResult<TResult>.Rejected(rejection.Reason, leader));

    /// <summary>Completes those of the given proposals that have no outcome yet, in order. For the applier only.</summary>
    public void Complete(List<(ulong Sequence, ProposalResult<TResult> Result)> results)
    {
        lock (_lock)
        {
            foreach (var (sequence, result) in results)
            {
                if (!_pending.Remove(sequence, out var pending))
                    continue;
                _completions.Add(new(pending.Source, result));
                _observer?.OnCommitted(Stopwatch.GetElapsedTime(pending.QueuedAt));
            }
        }

        _dispatcher.Dispatch(CollectionsMarshal.AsSpan(_completions));
        _completions.Clear();
    }

    /// <summary>Completes all proposals as indeterminate when the node stops: it will not learn their outcomes.</summary>
    public void CompleteAll()
    {
        Completion<ProposalResult<TResult>>[] all;
        lock (_lock)
        {
            all =
            [
                .. _pending.Values.Select(static pending =>
                    new Completion<ProposalResult<TResult>>(pending.Source, ProposalResult<TResult>.Indeterminate)),
            ];
            _pending.Clear();
        }

        _dispatcher.Dispatch(all);
    }

    /// <summary>Completes one proposal; returns false if it already has an outcome.</summary>
    private bool Complete(ulong sequence, in ProposalResult<TResult> result)
    {
        PendingProposal pending;
        lock (_lock)
        {
            if (!_pending.Remove(sequence, out pending))
                return false;
        }

        _dispatcher.Dispatch([new(pending.Source, result)]);
        return true;
    }

    private readonly record struct PendingProposal(TaskCompletionSource<ProposalResult<TResult>> Source, long QueuedAt);
}
