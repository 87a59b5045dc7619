using System.Diagnostics.CodeAnalysis;
using Quorate.Raft;

namespace Quorate.Node.Driver;

/// <summary>
/// The proposals of this node's clients that the driver has not taken yet. The queue is bounded; a proposal that does not fit is rejected
/// at once.
/// </summary>
/// <remarks>Threading: any thread adds, the driver drains.</remarks>
internal sealed class ProposalQueue(int proposalsMax, long proposalBytesMax, GroupCommitHold groupCommitHold)
{
    private readonly Lock _lock = new();
    private ProposalBatch _proposals = new();
    private long _proposalBytes;
    private List<ulong> _withdrawn = [];

    /// <summary>
    /// Assigns an id to a command, registers it as pending and queues it. Returns false when the queue is full; then nothing was
    /// registered.
    /// </summary>
    /// <remarks>
    /// One lock covers the assignment and the queue, so the core receives ascending sequence numbers: the leader recognises a repeated
    /// forwarded proposal by its number, and remembers only a limited window of numbers that arrived out of order.
    /// </remarks>
    public bool TryAdd<TResult>(
        ReadOnlyMemory<byte> command, PendingProposals<TResult> pendingProposals, out ProposalId id,
        [NotNullWhen(true)] out Task<ProposalResult<TResult>>? outcome)
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

    /// <summary>
    /// Completes a proposal whose caller has stopped waiting as indeterminate; returns false if it already has an outcome.
    /// </summary>
    public bool Withdraw<TResult>(ulong sequence, PendingProposals<TResult> pendingProposals)
    {
        if (!pendingProposals.Complete(sequence, ProposalResult<TResult>.Indeterminate))
            return false;
        lock (_lock)
            _withdrawn.Add(sequence);
        return true;
    }

    /// <summary>
    /// Takes all proposals and the sequence numbers of withdrawn ones: swaps the two given collections, which must be empty, with those of
    /// the queue. Takes nothing while <see cref="GroupCommitHold"/> holds proposals back.
    /// </summary>
    /// <remarks>Both are taken at once: a withdrawn proposal is among these proposals or those of an earlier iteration.</remarks>
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

/// <summary>The proposals of one step: a list that exposes its memory.</summary>
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
