using System.Diagnostics.CodeAnalysis;
using Quorate.Raft;

namespace Quorate.Node.Groups;

/// <summary>What clients of this node have proposed and the loop has not taken yet. Bounded: what does not fit is refused at once.</summary>
/// <remarks>Threading: any thread adds, the loop takes.</remarks>
internal sealed class ClientInbox(int proposalsMax, long proposalBytesMax)
{
    private readonly Lock _lock = new();
    private ProposalBatch _proposals = new();
    private long _proposalBytes;

    /// <summary>Names a command, notes it in the table of those whose outcome is open, and takes it. False when the inbox is full: nothing was taken.</summary>
    /// <remarks>
    /// Naming and taking are one, so that the numbers ascend in the order in which the core sees them: a leader tells a forwarded proposal that
    /// comes twice from a new one by its number, and remembers only so many that came out of order.
    /// </remarks>
    public bool TryAdd<TResult>(
        ReadOnlyMemory<byte> command, ProposalTable<TResult> table, out ProposalId id, [NotNullWhen(true)] out Task<ProposalResult<TResult>>? outcome)
    {
        lock (_lock)
        {
            if (_proposals.Count >= proposalsMax || (_proposalBytes > 0 && _proposalBytes + command.Length > proposalBytesMax))
            {
                id = ProposalId.None;
                outcome = null;
                return false;
            }

            id = table.Register(out outcome);
            _proposals.Add(new Proposal(id, command));
            _proposalBytes += command.Length;
            return true;
        }
    }

    /// <summary>Takes all proposals: <paramref name="taken"/>, which must be empty, changes places with the inbox's own list.</summary>
    public void TakeProposals(ref ProposalBatch taken)
    {
        lock (_lock)
        {
            (taken, _proposals) = (_proposals, taken);
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
