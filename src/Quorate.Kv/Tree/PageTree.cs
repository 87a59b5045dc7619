namespace Quorate.Kv.Tree;

/// <summary>
/// An ordered map from bytes to bytes (a copy-on-write B+tree), for one writer; <see cref="Freeze"/> gives readers an immutable root.
/// </summary>
/// <remarks>
/// Keys are ordered byte by byte. Pages of the current batch are changed in place, older ones are copied first. An entry may be larger than
/// a page: its page is then as large as the entry. Errors: none; the caller bounds the sizes.
/// </remarks>
internal sealed class PageTree(int pageBytes)
{
    private readonly int _pageBytes = pageBytes;
    private long _batchId = 1;

    /// <summary>Creates a tree from pages that a <see cref="PageTreeBuilder"/> has built; they belong to batch 0.</summary>
    public PageTree(int pageBytes, Page root)
        : this(pageBytes) => Root = root;

    /// <summary>The root of the current batch. Readers outside the batch use <see cref="Freeze"/>.</summary>
    public Page Root { get; private set; } = new LeafPage(batchId: 0, heapBytes: 0);

    /// <summary>Ends the batch and returns its immutable root. The next change begins a new batch.</summary>
    public Page Freeze()
    {
        _batchId++;
        return Root;
    }

    /// <summary>Inserts an entry, or replaces the one with its key.</summary>
    public void Set(in NewTreeEntry entry)
    {
        var root = Root;
        var right = Set(ref root, entry, isRightmost: true, out var separator);
        Root = right is null ? root : new InnerPage(_batchId, [root, right], new SeparatorKeys(separator));
    }

    /// <summary>Removes an entry; returns false when there is none with that key.</summary>
    public bool Remove(ReadOnlySpan<byte> key)
    {
        // Search first, so that removing a missing key copies no page.
        if (!TreeReader.TryFind(Root, key, out _, out _))
            return false;

        var root = Root;
        RemoveExisting(ref root, key);
        while (root is InnerPage { Children.Length: <= 1 } inner)
            root = inner.Children.Length == 1 ? inner.Children[0] : new LeafPage(_batchId, heapBytes: 0);
        Root = root;
        return true;
    }

    /// <summary>
    /// Sets an entry below <paramref name="page"/>, which is replaced by a page of the current batch. If the page was split, returns its
    /// upper half.
    /// </summary>
    private Page? Set(ref Page page, in NewTreeEntry entry, bool isRightmost, out byte[] separator)
    {
        if (page is LeafPage leaf)
            return SetInLeaf(ref page, leaf.GetWritable(_batchId), entry, isRightmost, out separator);

        var inner = ((InnerPage)page).GetWritable(_batchId);
        page = inner;
        var i = inner.ChildOf(entry.Key);
        var child = inner.Children[i];
        inner.CountedEntries -= child.CountedEntries;
        var right = Set(ref child, entry, isRightmost && i == inner.Children.Length - 1, out separator);
        inner.ReplaceChild(i, child);
        inner.CountedEntries += child.CountedEntries;
        if (right is null)
            return null;

        inner.InsertAfter(i, separator, right);
        inner.CountedEntries += right.CountedEntries;
        return inner.IsOverfull ? inner.SplitOff(_batchId, isRightmost && i == inner.Children.Length - 2, out separator) : null;
    }

    private LeafPage? SetInLeaf(ref Page page, LeafPage leaf, in NewTreeEntry entry, bool isRightmost, out byte[] separator)
    {
        page = leaf;
        separator = [];
        var i = leaf.Find(entry.Key, out var found);
        if (leaf.TrySet(i, found, entry))
            return null;

        // At the end of the tree a full page stays full, so that a tree that only grows at its end wastes no space.
        if (isRightmost && i == leaf.Count && leaf.Count > 0)
        {
            separator = ShortestSeparator(leaf.Key(i - 1), entry.Key);
            return BuildSingleEntryPage(entry);
        }

        if (found)
            leaf.Remove(i);
        if (leaf.LiveBytes + entry.Size <= _pageBytes / 4 * 3)
        {
            page = BuildPage(leaf, 0, leaf.Count, i, entry);
            return null;
        }

        return Split(ref page, leaf, i, entry, out separator);
    }

    /// <summary>Splits the entries of a page and the new entry between two pages of about the same number of bytes.</summary>
    private LeafPage? Split(ref Page page, LeafPage leaf, int i, in NewTreeEntry entry, out byte[] separator)
    {
        separator = [];
        if (leaf.Count == 0)
        {
            page = BuildSingleEntryPage(entry);
            return null;
        }

        // How many of the old entries go to the left page, and whether the new one does.
        var half = (leaf.LiveBytes + entry.Size) / 2;
        var bytes = 0;
        var keep = 0;
        while (keep < i && bytes + leaf.SizeOf(keep) <= half)
            bytes += leaf.SizeOf(keep++);
        var newGoesLeft = keep == i && bytes + entry.Size <= half;
        if (newGoesLeft)
        {
            bytes += entry.Size;
            while (keep < leaf.Count && bytes + leaf.SizeOf(keep) <= half)
                bytes += leaf.SizeOf(keep++);
        }

        if (keep == 0 && !newGoesLeft)
        {
            // The first entry is larger than half: it gets its own page.
            newGoesLeft = i == 0;
            keep = newGoesLeft ? 0 : 1;
        }

        var left = BuildPage(leaf, 0, keep, newGoesLeft ? i : -1, entry);
        var right = BuildPage(leaf, keep, leaf.Count - keep, newGoesLeft ? -1 : i - keep, entry);
        page = left;
        separator = ShortestSeparator(left.Key(left.Count - 1), right.Key(0));
        return right;
    }

    /// <summary>Creates a page of <paramref name="count"/> old entries, and the new one unless its slot is -1.</summary>
    private LeafPage BuildPage(LeafPage from, int first, int count, int newSlot, in NewTreeEntry entry)
    {
        var bytes = newSlot < 0 ? 0 : entry.Size;
        for (var i = first; i < first + count; i++)
            bytes += from.SizeOf(i);
        var built = new LeafPage(_batchId, int.Max(_pageBytes, bytes));
        var before = newSlot < 0 ? count : newSlot;
        built.CopyFrom(from, first, before);
        if (newSlot >= 0)
            built.TrySet(before, replace: false, entry);
        built.CopyFrom(from, first + before, count - before);
        return built;
    }

    private LeafPage BuildSingleEntryPage(in NewTreeEntry entry)
    {
        var single = new LeafPage(_batchId, int.Max(_pageBytes, entry.Size));
        single.TrySet(0, replace: false, entry);
        return single;
    }

    private void RemoveExisting(ref Page page, ReadOnlySpan<byte> key)
    {
        if (page is LeafPage existing)
        {
            var leaf = existing.GetWritable(_batchId);
            leaf.Remove(leaf.Find(key, out _));
            // A page that is mostly dead bytes is rewritten to free them. The rewritten page has no room to grow, and needs none: the tree
            // grows at its end.
            if (leaf.DeadBytes > leaf.LiveBytes && leaf.DeadBytes > _pageBytes / 8)
                leaf = MergeLeaves(leaf, null);
            page = leaf;
            return;
        }

        var inner = ((InnerPage)page).GetWritable(_batchId);
        page = inner;
        var i = inner.ChildOf(key);
        var child = inner.Children[i];
        inner.CountedEntries -= child.CountedEntries;
        RemoveExisting(ref child, key);
        inner.ReplaceChild(i, child);
        inner.CountedEntries += child.CountedEntries;
        if (child is LeafPage { Count: 0 } or InnerPage { Children.Length: 0 })
            inner.RemoveChild(i);
        else if (!TryMergeAt(inner, i - 1))
            TryMergeAt(inner, i);
    }

    /// <summary>Merges children i and i+1 when one of them has become small and the result leaves enough free space.</summary>
    private bool TryMergeAt(InnerPage inner, int i)
    {
        if (i < 0 || i + 1 >= inner.Children.Length)
            return false;
        Page? merged = (inner.Children[i], inner.Children[i + 1]) switch
        {
            (LeafPage left, LeafPage right) when MayMerge(left, right) => MergeLeaves(left, right),
            (InnerPage left, InnerPage right) => InnerPage.TryMerge(_batchId, left, inner.Separators[i], right),
            _ => null,
        };
        if (merged is null)
            return false;
        inner.RemoveChild(i + 1);
        inner.ReplaceChild(i, merged);
        return true;
    }

    private bool MayMerge(LeafPage left, LeafPage right) =>
        int.Min(left.LiveBytes, right.LiveBytes) < _pageBytes / 4 && left.LiveBytes + right.LiveBytes <= _pageBytes / 2;

    private LeafPage MergeLeaves(LeafPage left, LeafPage? right)
    {
        var merged = new LeafPage(_batchId, left.LiveBytes + (right?.LiveBytes ?? 0));
        merged.CopyFrom(left, 0, left.Count);
        if (right is not null)
            merged.CopyFrom(right, 0, right.Count);
        return merged;
    }

    /// <summary>
    /// Returns the shortest key that is greater than <paramref name="left"/> and not greater than <paramref name="right"/>.
    /// </summary>
    internal static byte[] ShortestSeparator(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        right[..(left.CommonPrefixLength(right) + 1)].ToArray();
}
