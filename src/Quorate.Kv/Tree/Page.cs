namespace Quorate.Kv.Tree;

/// <summary>A page of the tree: a <see cref="LeafPage"/> with entries, or an <see cref="InnerPage"/> with children.</summary>
/// <remarks>
/// A page belongs to the batch of changes that created it (<see cref="BatchId"/>). Within that batch it is changed in place; after the
/// batch is frozen it never changes, and the next batch that changes it makes a copy. A root is therefore a snapshot of everything below
/// it.
/// </remarks>
internal abstract class Page(long batchId)
{
    /// <summary>The batch that may still change this page.</summary>
    public long BatchId { get; } = batchId;

    /// <summary>The number of counted entries in this page or below it; the caller chooses which entries are counted.</summary>
    public long CountedEntries { get; protected internal set; }
}
