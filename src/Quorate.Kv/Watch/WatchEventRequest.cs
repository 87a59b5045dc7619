namespace Quorate.Kv;

/// <summary>Selects the changes that a watch receives.</summary>
/// <param name="Keys">The keys whose changes are returned.</param>
/// <remarks>Source: etcd v3 API, WatchCreateRequest.</remarks>
public sealed record WatchEventRequest(KeyInterval Keys)
{
    /// <summary>Whether to return the previous version of each key.</summary>
    public bool PrevKv { get; init; }

    /// <summary>Whether to exclude puts.</summary>
    public bool WithoutPuts { get; init; }

    /// <summary>Whether to exclude deletions.</summary>
    public bool WithoutDeletions { get; init; }

    /// <summary>Ends the batch with the revision in which its keys and values reach this number of bytes.</summary>
    /// <remarks>Default 1 MiB. Too small: catching up takes many batches. Too large: one reader uses much memory at once.</remarks>
    public int MaxBytes { get; init; } = 1024 * 1024;

    /// <summary>Ends the batch with the revision in which this number of changes have been scanned, matching or not.</summary>
    /// <remarks>Default 4096, which takes well under a millisecond: so a watcher that must catch up delays others only briefly.</remarks>
    public int MaxChanges { get; init; } = 4096;
}

/// <summary>A put or a deletion of a key.</summary>
/// <param name="Kv">The new version. For a deletion only the key and the revision that deleted it.</param>
/// <param name="PrevKv">The previous version, if requested, if there was one, and if no compaction has removed it.</param>
public readonly record struct KvEvent(KeyValue Kv, KeyValue? PrevKv)
{
    /// <summary>Whether the key was deleted.</summary>
    public bool IsDeletion => Kv.Version == 0;
}

/// <summary>The changes of consecutive revisions, each revision complete.</summary>
/// <param name="Events">The changes, in order.</param>
/// <param name="Next">
/// The first revision that was not scanned, at which to continue. It is beyond the newest revision when there are no more changes.
/// </param>
public sealed record WatchEventBatch(IReadOnlyList<KvEvent> Events, long Next);
