namespace Quorate.Kv.Tree;

/// <summary>An ordered map from bytes to bytes, for one writer; <see cref="Freeze"/> gives readers a root that never changes.</summary>
/// <remarks>
/// Keys are ordered byte by byte. Pages of the current batch are changed in place, older ones are copied first. An entry may be larger than
/// a page: its page is then as large as it. Errors: none; whatever comes in was bounded before.
/// </remarks>
internal sealed class PageTree(int pageBytes)
{
    private readonly int _pageBytes = pageBytes;
    private long _edit = 1;

    /// <summary>The tree as the current batch has made it. Readers outside the batch take <see cref="Freeze"/>.</summary>
    public Node Root { get; private set; } = new Leaf(edit: 0, heapBytes: 0);

    /// <summary>Ends the batch: the root as it is now, for good. The next change begins a new batch.</summary>
    public Node Freeze()
    {
        _edit++;
        return Root;
    }

    /// <summary>Puts an entry, over the one with its key if there is one.</summary>
    public void Set(in NewEntry entry)
    {
        var root = Root;
        var right = Set(ref root, entry, appending: true, out var separator);
        Root = right is null ? root : new Inner(_edit, [root, right], new Separators(separator));
    }

    /// <summary>Takes an entry out; false when there is none with that key.</summary>
    public bool Remove(ReadOnlySpan<byte> key)
    {
        // A look first: to find nothing must copy nothing.
        if (!TreeReader.TryFind(Root, key, out _, out _))
            return false;

        var root = Root;
        RemoveExisting(ref root, key);
        while (root is Inner { Children.Length: <= 1 } inner)
            root = inner.Children.Length == 1 ? inner.Children[0] : new Leaf(_edit, heapBytes: 0);
        Root = root;
        return true;
    }

    /// <summary>Sets beneath <paramref name="node"/>, which becomes the batch's own; a page that had to split leaves its upper half.</summary>
    private Node? Set(ref Node node, in NewEntry entry, bool appending, out byte[] separator)
    {
        if (node is Leaf leaf)
            return SetInLeaf(ref node, leaf.For(_edit), entry, appending, out separator);

        var inner = ((Inner)node).For(_edit);
        node = inner;
        var i = inner.ChildOf(entry.Key);
        var child = inner.Children[i];
        inner.Counted -= child.Counted;
        var right = Set(ref child, entry, appending && i == inner.Children.Length - 1, out separator);
        inner.Replace(i, child);
        inner.Counted += child.Counted;
        if (right is null)
            return null;

        inner.InsertAfter(i, separator, right);
        inner.Counted += right.Counted;
        return inner.IsOverfull ? inner.SplitOff(_edit, appending && i == inner.Children.Length - 2, out separator) : null;
    }

    private Leaf? SetInLeaf(ref Node node, Leaf leaf, in NewEntry entry, bool appending, out byte[] separator)
    {
        node = leaf;
        separator = [];
        var i = leaf.Find(entry.Key, out var found);
        if (leaf.TrySet(i, found, entry))
            return null;

        // At the end of the tree what is full stays full, so that a tree that only grows at its end wastes nothing.
        if (appending && i == leaf.Count && leaf.Count > 0)
        {
            separator = Separator(leaf.Key(i - 1), entry.Key);
            return Single(entry);
        }

        if (found)
            leaf.Remove(i);
        if (leaf.LiveBytes + entry.Size <= _pageBytes / 4 * 3)
        {
            node = Part(leaf, 0, leaf.Count, i, entry);
            return null;
        }

        return Split(ref node, leaf, i, entry, out separator);
    }

    /// <summary>Divides what the page holds, and the new entry, between two pages of about as many bytes each.</summary>
    private Leaf? Split(ref Node node, Leaf leaf, int i, in NewEntry entry, out byte[] separator)
    {
        separator = [];
        if (leaf.Count == 0)
        {
            node = Single(entry);
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

        var left = Part(leaf, 0, keep, newGoesLeft ? i : -1, entry);
        var right = Part(leaf, keep, leaf.Count - keep, newGoesLeft ? -1 : i - keep, entry);
        node = left;
        separator = Separator(left.Key(left.Count - 1), right.Key(0));
        return right;
    }

    /// <summary>A new page of <paramref name="count"/> old entries, with the new one among them unless its place is -1.</summary>
    private Leaf Part(Leaf from, int first, int count, int newAt, in NewEntry entry)
    {
        var bytes = newAt < 0 ? 0 : entry.Size;
        for (var i = first; i < first + count; i++)
            bytes += from.SizeOf(i);
        var part = new Leaf(_edit, int.Max(_pageBytes, bytes));
        var before = newAt < 0 ? count : newAt;
        part.CopyFrom(from, first, before);
        if (newAt >= 0)
            part.TrySet(before, over: false, entry);
        part.CopyFrom(from, first + before, count - before);
        return part;
    }

    private Leaf Single(in NewEntry entry)
    {
        var single = new Leaf(_edit, int.Max(_pageBytes, entry.Size));
        single.TrySet(0, over: false, entry);
        return single;
    }

    private void RemoveExisting(ref Node node, ReadOnlySpan<byte> key)
    {
        if (node is Leaf page)
        {
            var leaf = page.For(_edit);
            leaf.Remove(leaf.Find(key, out _));
            // A page that is mostly dead gives its bytes back. It has no room to grow then, and need not: it is the end that grows.
            if (leaf.DeadBytes > leaf.LiveBytes && leaf.DeadBytes > _pageBytes / 8)
                leaf = Join(leaf, null);
            node = leaf;
            return;
        }

        var inner = ((Inner)node).For(_edit);
        node = inner;
        var i = inner.ChildOf(key);
        var child = inner.Children[i];
        inner.Counted -= child.Counted;
        RemoveExisting(ref child, key);
        inner.Replace(i, child);
        inner.Counted += child.Counted;
        if (child is Leaf { Count: 0 } or Inner { Children.Length: 0 })
            inner.Remove(i);
        else if (!TryMergeAt(inner, i - 1))
            TryMergeAt(inner, i);
    }

    /// <summary>Makes one page of children i and i+1 when one of them has become small and both fit in one with room to spare.</summary>
    private bool TryMergeAt(Inner inner, int i)
    {
        if (i < 0 || i + 1 >= inner.Children.Length)
            return false;
        Node? merged = (inner.Children[i], inner.Children[i + 1]) switch
        {
            (Leaf left, Leaf right) when MayMerge(left, right) => Join(left, right),
            (Inner left, Inner right) => Inner.TryMerge(_edit, left, inner.Separators[i], right),
            _ => null,
        };
        if (merged is null)
            return false;
        inner.Remove(i + 1);
        inner.Replace(i, merged);
        return true;
    }

    private bool MayMerge(Leaf left, Leaf right) =>
        int.Min(left.LiveBytes, right.LiveBytes) < _pageBytes / 4 && left.LiveBytes + right.LiveBytes <= _pageBytes / 2;

    private Leaf Join(Leaf left, Leaf? right)
    {
        var joined = new Leaf(_edit, left.LiveBytes + (right?.LiveBytes ?? 0));
        joined.CopyFrom(left, 0, left.Count);
        if (right is not null)
            joined.CopyFrom(right, 0, right.Count);
        return joined;
    }

    /// <summary>The shortest key that is greater than the one and not greater than the other.</summary>
    private static byte[] Separator(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        right[..(left.CommonPrefixLength(right) + 1)].ToArray();
}
