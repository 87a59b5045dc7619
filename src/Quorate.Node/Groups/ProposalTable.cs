using System.Runtime.InteropServices;
using Quorate.Raft;

namespace Quorate.Node.Groups;

/// <summary>The proposals of this node whose outcome is open. Each gets exactly one, whoever brings it first.</summary>
/// <remarks>
/// Threading: callers register and give up, the applier commits, the loop rejects. Shape: the numbers begin at one that is drawn anew at each start,
/// so that no command of an earlier life, still in the log, is taken for one of these.
/// </remarks>
internal sealed class ProposalTable<TResult>(NodeId self, ulong firstSequence, IAnswers<ProposalResult<TResult>> answers)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, TaskCompletionSource<ProposalResult<TResult>>> _open = [];
    private readonly List<Answered<ProposalResult<TResult>>> _settled = [];
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
        // What waits for it goes on where it is answered: that is for the answers to arrange.
        var caller = new TaskCompletionSource<ProposalResult<TResult>>();
        outcome = caller.Task;
        lock (_lock)
        {
            _open.Add(++_sequence, caller);
            return new ProposalId(self, _sequence);
        }
    }

    /// <summary>Ends one proposal, if its outcome is still open; false when it is not.</summary>
    public bool Settle(ulong sequence, in ProposalResult<TResult> result)
    {
        TaskCompletionSource<ProposalResult<TResult>>? caller;
        lock (_lock)
        {
            if (!_open.Remove(sequence, out caller))
                return false;
        }

        answers.Give([new(caller, result)]);
        return true;
    }

    /// <summary>Ends those of many proposals whose outcome is still open, in their order. For the applier alone.</summary>
    public void Settle(List<(ulong Sequence, ProposalResult<TResult> Result)> results)
    {
        lock (_lock)
        {
            foreach (var (sequence, result) in results)
            {
                if (_open.Remove(sequence, out var caller))
                    _settled.Add(new(caller, result));
            }
        }

        answers.Give(CollectionsMarshal.AsSpan(_settled));
        _settled.Clear();
    }

    /// <summary>The node stops: what will become of these, it will not know.</summary>
    public void SettleAll(ProposalResult<TResult> result)
    {
        Answered<ProposalResult<TResult>>[] all;
        lock (_lock)
        {
            all = [.. _open.Values.Select(caller => new Answered<ProposalResult<TResult>>(caller, result))];
            _open.Clear();
        }

        answers.Give(all);
    }
}
