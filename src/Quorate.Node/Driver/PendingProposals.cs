using System.Runtime.InteropServices;
using Quorate.Node.Threading;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// The proposals of this node that have no outcome yet. Each receives exactly one outcome: the first that any component reports.
/// </summary>
/// <remarks>
/// Threading: callers register and withdraw, the applier completes committed proposals, the driver completes rejected ones. Shape: sequence
/// numbers start at a random number at each start of the node, so that a command that an earlier process left in the log is not mistaken
/// for one of these.
/// </remarks>
internal sealed class PendingProposals<TResult>(NodeId self, ulong firstSequence, ICompletionDispatcher<ProposalResult<TResult>> dispatcher)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, TaskCompletionSource<ProposalResult<TResult>>> _pending = [];
    private readonly List<Completion<ProposalResult<TResult>>> _completions = [];
    private ulong _sequence = firstSequence;

    /// <summary>The number of proposals without an outcome.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _pending.Count;
        }
    }

    /// <summary>Registers a new proposal.</summary>
    public ProposalId Register(out Task<ProposalResult<TResult>> outcome)
    {
        // No RunContinuationsAsynchronously: the dispatcher decides where the continuation runs.
        var source = new TaskCompletionSource<ProposalResult<TResult>>();
        outcome = source.Task;
        lock (_lock)
        {
            _pending.Add(++_sequence, source);
            return new ProposalId(self, _sequence);
        }
    }

    /// <summary>Completes one proposal; returns false if it already has an outcome.</summary>
    public bool Complete(ulong sequence, in ProposalResult<TResult> result)
    {
        TaskCompletionSource<ProposalResult<TResult>>? source;
        lock (_lock)
        {
            if (!_pending.Remove(sequence, out source))
                return false;
        }

        dispatcher.Dispatch([new(source, result)]);
        return true;
    }

    /// <summary>Completes those of the given proposals that have no outcome yet, in order. For the applier only.</summary>
    public void Complete(List<(ulong Sequence, ProposalResult<TResult> Result)> results)
    {
        lock (_lock)
        {
            foreach (var (sequence, result) in results)
            {
                if (_pending.Remove(sequence, out var source))
                    _completions.Add(new(source, result));
            }
        }

        dispatcher.Dispatch(CollectionsMarshal.AsSpan(_completions));
        _completions.Clear();
    }

    /// <summary>Completes all proposals when the node stops: it will not learn their outcomes.</summary>
    public void CompleteAll(ProposalResult<TResult> result)
    {
        Completion<ProposalResult<TResult>>[] all;
        lock (_lock)
        {
            all = [.. _pending.Values.Select(source => new Completion<ProposalResult<TResult>>(source, result))];
            _pending.Clear();
        }

        dispatcher.Dispatch(all);
    }
}
