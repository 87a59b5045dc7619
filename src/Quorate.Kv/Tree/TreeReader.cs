using System.Diagnostics;

namespace Quorate.Kv.Tree;

/// <summary>Reads a tree from its root. The root may be frozen, or the writer's own between two changes.</summary>
internal static class TreeReader
{
    /// <summary>Finds the page and slot of a key.</summary>
    public static bool TryFind(Page root, ReadOnlySpan<byte> key, out LeafPage leaf, out int slot)
    {
        while (root is InnerPage inner)
            root = inner.Children[inner.ChildOf(key)];
        leaf = (LeafPage)root;
        slot = leaf.Find(key, out var found);
        return found;
    }

    /// <summary>Returns the number of counted entries whose key is less than <paramref name="key"/>.</summary>
    public static long Rank(Page root, ReadOnlySpan<byte> key)
    {
        long counted = 0;
        while (root is InnerPage inner)
        {
            var i = inner.ChildOf(key);
            // Sum the side with fewer children.
            if (i <= inner.Children.Length / 2)
            {
                foreach (var child in inner.Children[..i])
                    counted += child.CountedEntries;
            }
            else
            {
                counted += inner.CountedEntries;
                foreach (var child in inner.Children[i..])
                    counted -= child.CountedEntries;
            }

            root = inner.Children[i];
        }

        var leaf = (LeafPage)root;
        return counted + leaf.Rank(leaf.Find(key, out _));
    }

    /// <summary>Checks every invariant of the pages below <paramref name="page"/>, for the tests.</summary>
    public static void CheckInvariants(Page page, ReadOnlySpan<byte> from = default, byte[]? to = null)
    {
        if (page is LeafPage leaf)
        {
            leaf.CheckInvariants();
            if (leaf.Count > 0 && (leaf.Key(0).SequenceCompareTo(from) < 0
                || (to is not null && leaf.Key(leaf.Count - 1).SequenceCompareTo(to) >= 0)))
                throw new UnreachableException("a leaf page contains a key outside its separators");
            return;
        }

        var inner = (InnerPage)page;
        long counted = 0;
        if (inner.Separators.Length != inner.Children.Length - 1 || inner.IsOverfull)
            throw new UnreachableException($"an inner page has {inner.Children.Length} children and {inner.Separators.Length} separators");
        for (var i = 0; i < inner.Children.Length; i++)
        {
            var low = i == 0 ? from : inner.Separators[i - 1];
            CheckInvariants(inner.Children[i], low, i == inner.Children.Length - 1 ? to : inner.Separators[i]);
            counted += inner.Children[i].CountedEntries;
        }

        if (counted != inner.CountedEntries)
            throw new UnreachableException($"an inner page counts {inner.CountedEntries} entries, its children {counted}");
    }
}
