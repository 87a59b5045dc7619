namespace Quorate.Kv.Tree;

/// <summary>A page of the tree: a <see cref="Leaf"/> with entries, or an <see cref="Inner"/> with children.</summary>
/// <remarks>
/// A node belongs to the batch of changes that made it (<see cref="Edit"/>). Within that batch it is changed in place; once the batch is
/// frozen it never changes again, and the next batch to touch it makes a copy. A root is therefore a snapshot of everything beneath it.
/// </remarks>
internal abstract class Node(long edit)
{
    /// <summary>The batch that may still change this node.</summary>
    public long Edit { get; } = edit;

    /// <summary>How many entries beneath are counted: the tree counts the entries it was told to.</summary>
    public long Counted { get; protected internal set; }
}
