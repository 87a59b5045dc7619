namespace Quorate.Kv.Tree;

/// <summary>An ordered map from bytes to bytes, for one writer; <see cref="Freeze"/> gives readers a root that never changes.</summary>
/// <remarks>
/// Keys are ordered byte by byte. Pages of the current batch are changed in place, older ones are copied first. An entry may be larger than
/// a page: its page is then as large as it. Errors: none; whatever comes in was bounded before.
/// </remarks>
internal sealed class PageTree(int pageBytes)
{
    private readonly int _pageBytes = pageBytes;
    private long _batchId = 1;

    /// <summary>The tree as the current batch has made it. Readers outside the batch take <see cref="Freeze"/>.</summary>
    public Page Root { get; private set; } = new LeafPage(batchId: 0, heapBytes: 0);

    /// <summary>Ends the batch: the root as it is now, for good. The next change begins a new batch.</summary>
    public Page Freeze()
    {
        _batchId++;
        return Root;
    }

    /// <summary>Puts an entry, over the one with its key if there is one.</summary>
    public void Set(in NewEntry entry)
    {
        var root = Root;
        var right = Set(ref root, entry, isRightmost: true, out var separator);
        Root = right is null ? root : new InnerPage(_batchId, [root, right], new Separators(separator));
    }

    /// <summary>Takes an entry out; false when there is none with that key.</summary>
    public bool Remove(ReadOnlySpan<byte> key)
    {
        // A look first: to find nothing must copy nothing.
        if (!TreeReader.TryFind(Root, key, out _, out _))
            return false;

        var root = Root;
        RemoveExisting(ref root, key);
        while (root is InnerPage { Children.Length: <= 1 } inner)
            root = inner.Children.Length == 1 ? inner.Children[0] : new LeafPage(_batchId, heapBytes: 0);
        Root = root;
        return true;
    }

    /// <summary>Sets beneath <paramref name="page"/>, which becomes the batch's own; a page that had to split leaves its upper half.</summary>
    private Page? Set(ref Page page, in NewEntry entry, bool isRightmost, out byte[] separator)
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

    private LeafPage? SetInLeaf(ref Page page, LeafPage leaf, in NewEntry entry, bool isRightmost, out byte[] separator)
    {
        page = leaf;
        separator = [];
        var i = leaf.Find(entry.Key, out var found);
        if (leaf.TrySet(i, found, entry))
            return null;

        // At the end of the tree what is full stays full, so that a tree that only grows at its end wastes nothing.
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

    /// <summary>Divides what the page holds, and the new entry, between two pages of about as many bytes each.</summary>
    private LeafPage? Split(ref Page page, LeafPage leaf, int i, in NewEntry entry, out byte[] separator)
    {
        separator = [];
        if (leaf.Count == 0)
        {
            page = BuildSingleEntryPage(entry);
            return null;
        }

        // How many of the old entries go left, and whether the new one does.
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
            // The first of all is larger than half: it has a page for itself.
            newGoesLeft = i == 0;
            keep = newGoesLeft ? 0 : 1;
        }

        var left = BuildPage(leaf, 0, keep, newGoesLeft ? i : -1, entry);
        var right = BuildPage(leaf, keep, leaf.Count - keep, newGoesLeft ? -1 : i - keep, entry);
        page = left;
        separator = ShortestSeparator(left.Key(left.Count - 1), right.Key(0));
        return right;
    }

    /// <summary>A new page of <paramref name="count"/> old entries, with the new one among them unless its place is -1.</summary>
    private LeafPage BuildPage(LeafPage from, int first, int count, int newSlot, in NewEntry entry)
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

    private LeafPage BuildSingleEntryPage(in NewEntry entry)
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
            // A page that is mostly dead gives its bytes back. It has no room to grow then, and need not: it is the end that grows.
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

    /// <summary>Makes one page of children i and i+1 when one of them has become small and both fit in one with room to spare.</summary>
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

    /// <summary>The shortest key that is greater than the one and not greater than the other.</summary>
    private static byte[] ShortestSeparator(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        right[..(left.CommonPrefixLength(right) + 1)].ToArray();
}
