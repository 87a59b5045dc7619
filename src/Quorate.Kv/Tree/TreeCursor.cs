namespace Quorate.Kv.Tree;

/// <summary>Walks a tree from a key on, ascending.</summary>
/// <remarks>Shape: the tree must not change while it is walked; a frozen root never does.</remarks>
internal sealed class TreeCursor
{
    // Pages split in halves, so 16 levels are more than memory can hold.
    private readonly InnerPage[] _path = new InnerPage[16];
    private readonly int[] _childIndexes = new int[16];
    private int _depth;
    private int _slot;

    /// <summary>Stands on the first entry whose key is not less than <paramref name="from"/>.</summary>
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

    /// <summary>Whether it stands on an entry, and not behind the last.</summary>
    public bool IsValid => _slot < Leaf.Count;

    /// <summary>The page it stands on.</summary>
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
