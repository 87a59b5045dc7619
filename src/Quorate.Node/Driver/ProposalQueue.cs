using System.Diagnostics.CodeAnalysis;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>What clients of this node have proposed and the loop has not taken yet. Bounded: what does not fit is refused at once.</summary>
/// <remarks>Threading: any thread adds, the loop takes.</remarks>
internal sealed class ProposalQueue(int proposalsMax, long proposalBytesMax, GroupCommitHold groupCommitHold)
{
    private readonly Lock _lock = new();
    private ProposalBatch _proposals = new();
    private long _proposalBytes;
    private List<ulong> _withdrawn = [];

    /// <summary>Names a command, notes it in the table of those whose outcome is open, and takes it. False when the inbox is full: nothing was taken.</summary>
    /// <remarks>
    /// Naming and taking are one, so that the numbers ascend in the order in which the core sees them: a leader tells a forwarded proposal that
    /// comes twice from a new one by its number, and remembers only so many that came out of order.
    /// </remarks>
    public bool TryAdd<TResult>(
        ReadOnlyMemory<byte> command, PendingProposals<TResult> pendingProposals, out ProposalId id, [NotNullWhen(true)] out Task<ProposalResult<TResult>>? outcome)
    {
        lock (_lock)
        {
            if (_proposals.Count >= proposalsMax || (_proposalBytes > 0 && _proposalBytes + command.Length > proposalBytesMax))
            {
                id = ProposalId.None;
                outcome = null;
                return false;
            }

            id = pendingProposals.Register(out outcome);
            _proposals.Add(new Proposal(id, command));
            _proposalBytes += command.Length;
            return true;
        }
    }

    /// <summary>The caller of a proposal has stopped waiting, and is told that its outcome is open; false when it had been told another.</summary>
    public bool Withdraw<TResult>(ulong sequence, PendingProposals<TResult> pendingProposals)
    {
        if (!pendingProposals.Complete(sequence, ProposalResult<TResult>.Indeterminate))
            return false;
        lock (_lock)
            _withdrawn.Add(sequence);
        return true;
    }

    /// <summary>Takes all proposals, and the numbers of those that were withdrawn: the two given, which must be empty, change places with the inbox's own. None while callers are told (<see cref="GroupCommitHold"/>).</summary>
    /// <remarks>Both at once: what was withdrawn was proposed before, and is among these proposals or those of an earlier turn.</remarks>
    public void Drain(ref ProposalBatch proposals, ref List<ulong> withdrawn)
    {
        if (groupCommitHold.IsHolding)
            return;
        lock (_lock)
        {
            (proposals, _proposals) = (_proposals, proposals);
            (withdrawn, _withdrawn) = (_withdrawn, withdrawn);
            _proposalBytes = 0;
        }
    }
}

/// <summary>Proposals on their way to one step: a list that can be seen as memory.</summary>
internal sealed class ProposalBatch
{
    private Proposal[] _items = new Proposal[64];

    public int Count { get; private set; }

    public ReadOnlyMemory<Proposal> Memory => _items.AsMemory(0, Count);

    public void Add(in Proposal proposal)
    {
        if (Count == _items.Length)
            Array.Resize(ref _items, Count * 2);
        _items[Count++] = proposal;
    }

    public void Clear()
    {
        _items.AsSpan(0, Count).Clear();
        Count = 0;
    }
}
