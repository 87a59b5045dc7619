namespace Quorate.Kv.Tree;

/// <summary>Walks a tree from a key on, ascending.</summary>
/// <remarks>Shape: the tree must not change while it is walked; a frozen root never does.</remarks>
internal sealed class TreeCursor
{
    // Pages split in halves, so 16 levels are more than memory can hold.
    private readonly Inner[] _path = new Inner[16];
    private readonly int[] _children = new int[16];
    private int _depth;
    private int _place;

    /// <summary>Stands on the first entry whose key is not less than <paramref name="from"/>.</summary>
    public TreeCursor(Node root, ReadOnlySpan<byte> from)
    {
        while (root is Inner inner)
        {
            var i = inner.ChildOf(from);
            Push(inner, i);
            root = inner.Children[i];
        }

        Leaf = (Leaf)root;
        _place = Leaf.Find(from, out _);
        if (_place == Leaf.Count)
            NextLeaf();
    }

    /// <summary>Whether it stands on an entry, and not behind the last.</summary>
    public bool IsValid => _place < Leaf.Count;

    /// <summary>The page it stands on.</summary>
    public Leaf Leaf { get; private set; }

    public ReadOnlySpan<byte> Key => Leaf.Key(_place);

    public ReadOnlyMemory<byte> KeyMemory => Leaf.KeyMemory(_place);

    public ReadOnlyMemory<byte> Value => Leaf.Value(_place);

    public bool IsCounted => Leaf.IsCounted(_place);

    public void MoveNext()
    {
        if (++_place == Leaf.Count)
            NextLeaf();
    }

    private void NextLeaf()
    {
        while (_depth > 0)
        {
            var inner = _path[_depth - 1];
            var i = ++_children[_depth - 1];
            if (i == inner.Children.Length)
            {
                _depth--;
                continue;
            }

            var node = inner.Children[i];
            while (node is Inner below)
            {
                Push(below, 0);
                node = below.Children[0];
            }

            Leaf = (Leaf)node;
            _place = 0;
            return;
        }
    }

    private void Push(Inner inner, int child)
    {
        _path[_depth] = inner;
        _children[_depth++] = child;
    }
}
