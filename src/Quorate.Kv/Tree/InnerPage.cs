namespace Quorate.Kv.Tree;

/// <summary>A page of children: child i holds the keys of [separator i-1, separator i).</summary>
/// <remarks>
/// <code>
///   separators      s0    s1    s2          a key equal to a separator is on its right
///   children     c0    c1    c2    c3
/// </code>
/// The arrays are exactly as long as their contents. A page that is copied for a new batch has its own array of references to the same
/// children, and shares the immutable <see cref="SeparatorKeys"/>: the split or removal of a child replaces them.
/// </remarks>
internal sealed class InnerPage : Page
{
    /// <summary>The number of children of a full page. Small pages are cheap to copy, large ones make the tree flat.</summary>
    public const int ChildrenMax = 64;

    private const int MergeMax = 48;
    private const int MergeBelow = 16;

    private Page[] _children;
    private SeparatorKeys _separators;

    public InnerPage(long batchId, Page[] children, SeparatorKeys separators)
        : base(batchId)
    {
        _children = children;
        _separators = separators;
        foreach (var child in children)
            CountedEntries += child.CountedEntries;
    }

    private InnerPage(long batchId, InnerPage from)
        : base(batchId)
    {
        _children = from._children.AsSpan().ToArray();
        _separators = from._separators;
        CountedEntries = from.CountedEntries;
    }

    public ReadOnlySpan<Page> Children => _children;

    public ReadOnlySpan<byte[]> Separators => _separators.Keys;

    public bool IsOverfull => _children.Length > ChildrenMax;

    /// <summary>Returns the index of the child whose key range includes <paramref name="key"/>.</summary>
    public int ChildOf(ReadOnlySpan<byte> key) => _separators.UpperBound(key);

    /// <summary>Returns this page, or a copy that the batch may change.</summary>
    public InnerPage GetWritable(long batchId) => BatchId == batchId ? this : new InnerPage(batchId, this);

    public void ReplaceChild(int i, Page child) => _children[i] = child;

    /// <summary>Inserts <paramref name="right"/>, whose keys begin at <paramref name="separator"/>, after the split child i.</summary>
    public void InsertAfter(int i, byte[] separator, Page right)
    {
        _children = [.. _children.AsSpan(0, i + 1), right, .. _children.AsSpan(i + 1)];
        _separators = new SeparatorKeys([.. Separators[..i], separator, .. Separators[i..]]);
    }

    /// <summary>Removes child i. The child to its left, or for the first child the one to its right, takes over its key range.</summary>
    public void RemoveChild(int i)
    {
        _children = [.. _children.AsSpan(0, i), .. _children.AsSpan(i + 1)];
        if (_separators.Count == 0)
            return;
        var separatorIndex = int.Max(i - 1, 0);
        _separators = new SeparatorKeys([.. Separators[..separatorIndex], .. Separators[(separatorIndex + 1)..]]);
    }

    /// <summary>
    /// Moves the upper half of the children to a new page. An append to the rightmost page of a level moves only the last two: if keys
    /// arrive in ascending order, all later children go to the new page, and this page remains almost full.
    /// </summary>
    public InnerPage SplitOff(long batchId, bool isRightmost, out byte[] separator)
    {
        var keep = isRightmost ? _children.Length - 2 : _children.Length / 2;
        var right = new InnerPage(batchId, _children.AsSpan(keep).ToArray(), new SeparatorKeys(Separators[keep..]));
        separator = Separators[keep - 1];
        _children = _children.AsSpan(0, keep).ToArray();
        _separators = new SeparatorKeys(Separators[..(keep - 1)]);
        CountedEntries -= right.CountedEntries;
        return right;
    }

    /// <summary>Merges two adjacent pages if one of them is small and the merged page is not too full; otherwise returns null.</summary>
    public static InnerPage? TryMerge(long batchId, InnerPage left, byte[] separator, InnerPage right)
    {
        var small = int.Min(left._children.Length, right._children.Length) < MergeBelow;
        if (!small || left._children.Length + right._children.Length > MergeMax)
            return null;
        return new InnerPage(
            batchId, [.. left._children, .. right._children], new SeparatorKeys([.. left.Separators, separator, .. right.Separators]));
    }
}
