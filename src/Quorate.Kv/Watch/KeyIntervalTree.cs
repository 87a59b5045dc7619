using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>
/// An interval tree over ranges of keys: a treap in the order of the starts, in which each node knows the greatest end below it.
/// </summary>
/// <remarks>
/// <code>
///   find the ranges that contain e; a subtree whose greatest end is not after e contains none of them
///
///               [d, k)  greatest end ∞
///              ╱      ╲
///      [a, c)  c      [f, ∞)  ∞
///                    ╱
///               [d, m)  m
///
///   left subtree skipped: c ≤ e; [d, k) found; in the right subtree [d, m) found, and nothing from [f, ∞) on, which begins after e
/// </code>
/// Random priorities balance the tree in expectation, in whatever order the ranges are added and removed: on average a node is at depth
/// 1.4 log₂ n. One node has all entries of its range. Why this structure: decision 0029. Source: Seidel and Aragon, Randomized search
/// trees, 1996; de Berg et al., Computational Geometry, §10.1.
/// </remarks>
internal sealed class KeyIntervalTree<T>(ulong seed)
{
    private SplitMix64 _priorities = new(seed);
    private Node? _root;

    /// <summary>Returns the group of a range; creates it if there is none.</summary>
    public KeyIntervalGroup<T> GetOrAdd(KeyInterval keys)
    {
        _root = GetOrAdd(_root, keys, out var found);
        return found;
    }

    /// <summary>Removes the group of a range, which exists.</summary>
    public void Remove(KeyInterval keys) => _root = Remove(_root, keys);

    /// <summary>Adds to a list every value whose range contains a key.</summary>
    public void Find(ReadOnlySpan<byte> key, List<T> target) => Find(_root, key, target);

    /// <summary>Adds every value to a list.</summary>
    public void CopyTo(List<T> target) => CopyTo(_root, target);

    /// <summary>The number of nodes on the longest path.</summary>
    public int MeasureDepth() => MeasureDepth(_root);

    private Node GetOrAdd(Node? node, KeyInterval keys, out Node found)
    {
        if (node is null)
            return found = new Node(keys, _priorities.Next());

        var order = Compare(keys, node.Keys);
        if (order == 0)
            return found = node;

        var top = node;
        if (order < 0)
        {
            var left = node.Left = GetOrAdd(node.Left, keys, out found);
            if (left.Priority > node.Priority)
                (node.Left, left.Right, top) = (left.Right, node, left);
        }
        else
        {
            var right = node.Right = GetOrAdd(node.Right, keys, out found);
            if (right.Priority > node.Priority)
                (node.Right, right.Left, top) = (right.Left, node, right);
        }

        UpdateGreatestEnd(node);
        if (top != node)
            UpdateGreatestEnd(top);
        return top;
    }

    private static Node? Remove(Node? node, KeyInterval keys)
    {
        if (node is null)
            throw new InvalidOperationException($"the interval tree has no range {keys}");

        var order = Compare(keys, node.Keys);
        if (order == 0)
            return Merge(node.Left, node.Right);
        if (order < 0)
            node.Left = Remove(node.Left, keys);
        else
            node.Right = Remove(node.Right, keys);
        UpdateGreatestEnd(node);
        return node;
    }

    /// <summary>Merges two trees, of which every range of the first sorts before every range of the second.</summary>
    private static Node? Merge(Node? first, Node? second)
    {
        if (first is null || second is null)
            return first ?? second;

        var top = first.Priority > second.Priority ? first : second;
        if (top == first)
            first.Right = Merge(first.Right, second);
        else
            second.Left = Merge(first, second.Left);
        UpdateGreatestEnd(top);
        return top;
    }

    private static void Find(Node? node, ReadOnlySpan<byte> key, List<T> target)
    {
        while (node is not null && EndsAfter(node.GreatestEnd, key))
        {
            Find(node.Left, key, target);
            if (key.SequenceCompareTo(node.Keys.Start.Span) < 0)
                return; // Every range to the right begins even later.
            if (EndsAfter(node.Keys, key))
                node.CopyTo(target);
            node = node.Right;
        }
    }

    private static void CopyTo(Node? node, List<T> target)
    {
        for (; node is not null; node = node.Right)
        {
            CopyTo(node.Left, target);
            node.CopyTo(target);
        }
    }

    private static int MeasureDepth(Node? node) =>
        node is null ? 0 : 1 + int.Max(MeasureDepth(node.Left), MeasureDepth(node.Right));

    private static bool EndsAfter(KeyInterval range, ReadOnlySpan<byte> key) =>
        range.Kind == KeyIntervalKind.From || key.SequenceCompareTo(range.End.Span) < 0;

    /// <summary>Compares by start, then by end: the order of the tree.</summary>
    private static int Compare(KeyInterval a, KeyInterval b)
    {
        var order = a.Start.Span.SequenceCompareTo(b.Start.Span);
        return order != 0 ? order : CompareEnds(a, b);
    }

    /// <summary>Compares the ends; an open end is the greatest.</summary>
    private static int CompareEnds(KeyInterval a, KeyInterval b) => (a.Kind, b.Kind) switch
    {
        (KeyIntervalKind.From, KeyIntervalKind.From) => 0,
        (KeyIntervalKind.From, _) => 1,
        (_, KeyIntervalKind.From) => -1,
        _ => a.End.Span.SequenceCompareTo(b.End.Span),
    };

    /// <summary>Computes the greatest end of a node from its own end and those of its children.</summary>
    private static void UpdateGreatestEnd(Node node)
    {
        var greatest = node.Keys;
        if (node.Left is { } left && CompareEnds(left.GreatestEnd, greatest) > 0)
            greatest = left.GreatestEnd;
        if (node.Right is { } right && CompareEnds(right.GreatestEnd, greatest) > 0)
            greatest = right.GreatestEnd;
        node.GreatestEnd = greatest;
    }

    private sealed class Node(KeyInterval keys, ulong priority) : KeyIntervalGroup<T>(keys)
    {
        /// <summary>The priority. No child has a higher one than its parent.</summary>
        public ulong Priority { get; } = priority;

        public Node? Left { get; set; }

        public Node? Right { get; set; }

        /// <summary>Of the ranges of this node and all below it, the one with the greatest end.</summary>
        public KeyInterval GreatestEnd { get; set; } = keys;
    }
}
