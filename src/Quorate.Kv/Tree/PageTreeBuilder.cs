namespace Quorate.Kv.Tree;

/// <summary>Builds a tree from entries in ascending order of their keys, page after page, without a search for each entry.</summary>
/// <remarks>
/// <code>
///   leaves      |####··|####··|####··|##····|      filled to a fixed number of bytes, in order
///   level 1     |  c c c  |  c c c  |              as few pages as possible, the children spread evenly
///   root        |    c         c    |
/// </code>
/// Shape: a key that is not greater than the one before it is the caller's error; the tree would be out of order.
/// </remarks>
/// <param name="pageBytes">The page size of the tree.</param>
/// <param name="fillBytes">
/// The bytes to fill of each leaf page. A tree that grows at its end is built with full pages. One that changes anywhere has room left in
/// each page, as it would have after random changes; otherwise the first change of each page would split it.
/// </param>
/// <param name="childrenPerPage">The maximum number of children of an inner page, for the same reason.</param>
internal sealed class PageTreeBuilder(int pageBytes, int fillBytes, int childrenPerPage)
{
    // The pages are older than the first batch of the tree, so the tree copies each before it changes it.
    private const long BatchId = 0;

    private readonly List<Page> _leaves = [];

    // One fewer than the leaves: the separator between each and the next.
    private readonly List<byte[]> _separators = [];
    private LeafPage? _leaf;
    private int _leafBytes;
    private int _entriesPerLeaf = 16;

    /// <summary>Creates the builder of a tree that grows at its end.</summary>
    public static PageTreeBuilder ForAppends(int pageBytes) => new(pageBytes, pageBytes, InnerPage.ChildrenMax);

    /// <summary>Creates the builder of a tree that changes anywhere: two thirds full, about as after random insertions.</summary>
    public static PageTreeBuilder ForRandomChanges(int pageBytes) => new(pageBytes, pageBytes / 3 * 2, InnerPage.ChildrenMax / 3 * 2);

    /// <summary>Adds an entry whose key is greater than all before.</summary>
    public void Append(in NewTreeEntry entry)
    {
        if (_leaf is null || _leafBytes + entry.Size > fillBytes)
            BeginLeaf(entry);
        _leaf!.Append(entry);
        _leafBytes += entry.Size;
    }

    /// <summary>Returns the tree. The builder cannot be used again.</summary>
    public PageTree Build()
    {
        if (_leaf is null)
            return new PageTree(pageBytes);
        var pages = _leaves;
        var separators = _separators;
        while (pages.Count > 1)
            (pages, separators) = BuildLevelAbove(pages, separators);
        return new PageTree(pageBytes, pages[0]);
    }

    private void BeginLeaf(in NewTreeEntry entry)
    {
        if (_leaf is not null)
        {
            _entriesPerLeaf = _leaf.Count;
            _separators.Add(PageTree.ShortestSeparator(_leaf.Key(_leaf.Count - 1), entry.Key));
        }

        _leaf = new LeafPage(BatchId, int.Max(pageBytes, entry.Size), _entriesPerLeaf);
        _leafBytes = 0;
        _leaves.Add(_leaf);
    }

    private (List<Page> Pages, List<byte[]> Separators) BuildLevelAbove(List<Page> children, List<byte[]> separators)
    {
        var count = (children.Count + childrenPerPage - 1) / childrenPerPage;
        var pages = new List<Page>(count);
        var separatorsAbove = new List<byte[]>(count);
        for (int i = 0, first = 0; i < count; i++)
        {
            var next = (int)((long)children.Count * (i + 1) / count);
            pages.Add(new InnerPage(
                BatchId, [.. children[first..next]], new SeparatorKeys([.. separators[first..(next - 1)]])));
            if (next < children.Count)
                separatorsAbove.Add(separators[next - 1]);
            first = next;
        }

        return (pages, separatorsAbove);
    }
}
