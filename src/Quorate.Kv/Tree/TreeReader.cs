using System.Diagnostics;

namespace Quorate.Kv.Tree;

/// <summary>Reads a tree from its root. The root may be frozen, or the writer's own between two changes.</summary>
internal static class TreeReader
{
    /// <summary>Finds the page and place of a key.</summary>
    public static bool TryFind(Node root, ReadOnlySpan<byte> key, out Leaf leaf, out int place)
    {
        while (root is Inner inner)
            root = inner.Children[inner.ChildOf(key)];
        leaf = (Leaf)root;
        place = leaf.Find(key, out var found);
        return found;
    }

    /// <summary>How many counted entries have a key below <paramref name="key"/>.</summary>
    public static long CountedBelow(Node root, ReadOnlySpan<byte> key)
    {
        long counted = 0;
        while (root is Inner inner)
        {
            var i = inner.ChildOf(key);
            // Whichever side has fewer children is the one to add up.
            if (i <= inner.Children.Length / 2)
            {
                foreach (var child in inner.Children[..i])
                    counted += child.Counted;
            }
            else
            {
                counted += inner.Counted;
                foreach (var child in inner.Children[i..])
                    counted -= child.Counted;
            }

            root = inner.Children[i];
        }

        var leaf = (Leaf)root;
        return counted + leaf.CountedBelow(leaf.Find(key, out _));
    }

    /// <summary>Every promise of the pages beneath <paramref name="node"/>, for the tests.</summary>
    public static void Check(Node node, ReadOnlySpan<byte> from = default, byte[]? to = null)
    {
        if (node is Leaf leaf)
        {
            leaf.Check();
            if (leaf.Count > 0 && (leaf.Key(0).SequenceCompareTo(from) < 0
                || (to is not null && leaf.Key(leaf.Count - 1).SequenceCompareTo(to) >= 0)))
                throw new UnreachableException("a leaf holds only the keys between its separators");
            return;
        }

        var inner = (Inner)node;
        long counted = 0;
        if (inner.Separators.Length != inner.Children.Length - 1 || inner.IsOverfull)
            throw new UnreachableException($"{inner.Children.Length} children, {inner.Separators.Length} separators");
        for (var i = 0; i < inner.Children.Length; i++)
        {
            var low = i == 0 ? from : inner.Separators[i - 1];
            Check(inner.Children[i], low, i == inner.Children.Length - 1 ? to : inner.Separators[i]);
            counted += inner.Children[i].Counted;
        }

        if (counted != inner.Counted)
            throw new UnreachableException($"an inner page counts {inner.Counted}, its children {counted}");
    }
}
