using Quorate.Raft;

namespace Quorate.Node.Groups;

/// <summary>The proposals of this node whose outcome is open. Each gets exactly one, whoever brings it first.</summary>
/// <remarks>
/// Threading: callers register and give up, the applier commits, the loop rejects. Shape: the numbers begin at one that is drawn anew at each start,
/// so that no command of an earlier life, still in the log, is taken for one of these.
/// </remarks>
internal sealed class ProposalTable<TResult>(NodeId self, ulong firstSequence)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, TaskCompletionSource<ProposalResult<TResult>>> _open = [];
    private ulong _sequence = firstSequence;

    /// <summary>How many wait for their outcome.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _open.Count;
        }
    }

    /// <summary>Notes a new proposal.</summary>
    public ProposalId Register(out Task<ProposalResult<TResult>> outcome)
    {
        var source = new TaskCompletionSource<ProposalResult<TResult>>(TaskCreationOptions.RunContinuationsAsynchronously);
        outcome = source.Task;
        lock (_lock)
        {
            _open.Add(++_sequence, source);
            return new ProposalId(self, _sequence);
        }
    }

    /// <summary>Takes a proposal out of the table; whoever does that owes it its outcome.</summary>
    public bool TryTake(ulong sequence, out TaskCompletionSource<ProposalResult<TResult>> source)
    {
        lock (_lock)
            return _open.Remove(sequence, out source!);
    }

    /// <summary>Ends one proposal, if its outcome is still open.</summary>
    public void Settle(ulong sequence, ProposalResult<TResult> result)
    {
        if (TryTake(sequence, out var source))
            source.TrySetResult(result);
    }

    /// <summary>The node stops: what will become of these, it will not know.</summary>
    public void SettleAll(ProposalResult<TResult> result)
    {
        TaskCompletionSource<ProposalResult<TResult>>[] all;
        lock (_lock)
        {
            all = [.. _open.Values];
            _open.Clear();
        }

        foreach (var source in all)
            source.TrySetResult(result);
    }
}
