using Quorate.Raft;

namespace Quorate.Node.Driver;

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

    /// <summary>Removes those proposals that the predicate does not accept; the others keep their order.</summary>
    public void RetainAll(Predicate<Proposal> isRetained)
    {
        var count = 0;
        for (var i = 0; i < Count; i++)
        {
            if (isRetained(_items[i]))
                _items[count++] = _items[i];
        }

        _items.AsSpan(count, Count - count).Clear();
        Count = count;
    }

    public void Clear()
    {
        _items.AsSpan(0, Count).Clear();
        Count = 0;
    }
}
