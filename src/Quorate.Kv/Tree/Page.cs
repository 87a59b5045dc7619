namespace Quorate.Kv.Tree;

/// <summary>A page of the tree: a <see cref="LeafPage"/> with entries, or an <see cref="InnerPage"/> with children.</summary>
/// <remarks>
/// A node belongs to the batch of changes that made it (<see cref="BatchId"/>). Within that batch it is changed in place; once the batch is
/// frozen it never changes again, and the next batch to touch it makes a copy. A root is therefore a snapshot of everything beneath it.
/// </remarks>
internal abstract class Page(long batchId)
{
    /// <summary>The batch that may still change this node.</summary>
    public long BatchId { get; } = batchId;

    /// <summary>How many entries beneath are counted: the tree counts the entries it was told to.</summary>
    public long CountedEntries { get; protected internal set; }
}
