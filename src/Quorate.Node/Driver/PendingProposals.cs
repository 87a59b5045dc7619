using System.Runtime.InteropServices;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>The proposals of this node whose outcome is open. Each gets exactly one, whoever brings it first.</summary>
/// <remarks>
/// Threading: callers register and give up, the applier commits, the loop rejects. Shape: the numbers begin at one that is drawn anew at each start,
/// so that no command of an earlier life, still in the log, is taken for one of these.
/// </remarks>
internal sealed class PendingProposals<TResult>(NodeId self, ulong firstSequence, ICompletionDispatcher<ProposalResult<TResult>> dispatcher)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, TaskCompletionSource<ProposalResult<TResult>>> _pending = [];
    private readonly List<Completion<ProposalResult<TResult>>> _completions = [];
    private ulong _sequence = firstSequence;

    /// <summary>How many wait for their outcome.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _pending.Count;
        }
    }

    /// <summary>Notes a new proposal.</summary>
    public ProposalId Register(out Task<ProposalResult<TResult>> outcome)
    {
        // What waits for it goes on where it is answered: that is for the answers to arrange.
        var source = new TaskCompletionSource<ProposalResult<TResult>>();
        outcome = source.Task;
        lock (_lock)
        {
            _pending.Add(++_sequence, source);
            return new ProposalId(self, _sequence);
        }
    }

    /// <summary>Ends one proposal, if its outcome is still open; false when it is not.</summary>
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

    /// <summary>Ends those of many proposals whose outcome is still open, in their order. For the applier alone.</summary>
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

    /// <summary>The node stops: what will become of these, it will not know.</summary>
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
