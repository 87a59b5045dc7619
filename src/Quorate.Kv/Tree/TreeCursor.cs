namespace Quorate.Kv.Tree;

/// <summary>Enumerates the entries of a tree from a key on, ascending.</summary>
/// <remarks>Shape: the tree must not change meanwhile; a frozen root never does.</remarks>
internal sealed class TreeCursor
{
    // Pages are split in halves, so memory cannot hold a tree of more than 16 levels.
    private readonly InnerPage[] _path = new InnerPage[16];
    private readonly int[] _childIndexes = new int[16];
    private int _depth;
    private int _slot;

    /// <summary>Moves to the first entry whose key is not less than <paramref name="from"/>.</summary>
    public TreeCursor(Page root, ReadOnlySpan<byte> from)
    {
        while (root is InnerPage inner)
        {
            var i = inner.ChildOf(from);
            Push(inner, i);
            root = inner.Children[i];
        }

        Leaf = (LeafPage)root;
        _slot = Leaf.Find(from, out _);
        if (_slot == Leaf.Count)
            MoveToNextLeaf();
    }

    /// <summary>Whether the cursor is at an entry, not after the last one.</summary>
    public bool IsValid => _slot < Leaf.Count;

    /// <summary>The current page.</summary>
    public LeafPage Leaf { get; private set; }

    public ReadOnlySpan<byte> Key => Leaf.Key(_slot);

    public ReadOnlyMemory<byte> KeyMemory => Leaf.KeyMemory(_slot);

    public ReadOnlyMemory<byte> Value => Leaf.Value(_slot);

    public bool IsCounted => Leaf.IsCounted(_slot);

    public void MoveNext()
    {
        if (++_slot == Leaf.Count)
            MoveToNextLeaf();
    }

    private void MoveToNextLeaf()
    {
        while (_depth > 0)
        {
            var inner = _path[_depth - 1];
            var i = ++_childIndexes[_depth - 1];
            if (i == inner.Children.Length)
            {
                _depth--;
                continue;
            }

            var page = inner.Children[i];
            while (page is InnerPage below)
            {
                Push(below, 0);
                page = below.Children[0];
            }

            Leaf = (LeafPage)page;
            _slot = 0;
            return;
        }
    }

    private void Push(InnerPage inner, int child)
    {
        _path[_depth] = inner;
        _childIndexes[_depth++] = child;
    }
}
