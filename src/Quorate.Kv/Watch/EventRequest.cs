namespace Quorate.Kv;

/// <summary>Which changes somebody wants to be told of.</summary>
/// <param name="Keys">The changes of these keys.</param>
/// <remarks>Source: etcd v3 API, WatchCreateRequest.</remarks>
public sealed record EventRequest(KeyInterval Keys)
{
    /// <summary>Tell what the key was before.</summary>
    public bool PrevKv { get; init; }

    /// <summary>Leave out puts.</summary>
    public bool WithoutPuts { get; init; }

    /// <summary>Leave out deletions.</summary>
    public bool WithoutDeletions { get; init; }

    /// <summary>Stop at the end of the revision in which so many bytes of keys and values have come together.</summary>
    /// <remarks>Default 1 MiB. Too small and catching up takes many rounds; too large and one reader takes much memory at once.</remarks>
    public int MaxBytes { get; init; } = 1024 * 1024;

    /// <summary>Stop at the end of the revision in which so many changes have been looked at, wanted or not.</summary>
    /// <remarks>Default 4096, well under a millisecond: so nobody waits long for one who has much to catch up with.</remarks>
    public int MaxChanges { get; init; } = 4096;
}

/// <summary>A key was put, or deleted.</summary>
/// <param name="Kv">What it became. Of a deletion only the key and the revision that deleted it.</param>
/// <param name="PrevKv">What it was before, when asked for, when it was something, and when no compaction has taken that away.</param>
public readonly record struct KvEvent(KeyValue Kv, KeyValue? PrevKv)
{
    /// <summary>Whether the key was deleted.</summary>
    public bool IsDeletion => Kv.Version == 0;
}

/// <summary>The changes of some revisions, each revision whole.</summary>
/// <param name="Events">What happened, in order.</param>
/// <param name="Next">The first revision that was not looked at: where to go on. Beyond the newest, when there is nothing more.</param>
public sealed record EventBatch(IReadOnlyList<KvEvent> Events, long Next);
