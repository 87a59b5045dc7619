namespace Quorate.Kv;

/// <summary>Reads the keys of an interval, at the newest or an earlier revision.</summary>
/// <remarks>
/// The request does not determine whether the read is serializable or linearizable: the reader does, by its choice of the snapshot. Errors:
/// <see cref="KvError.KeyNotProvided"/>, <see cref="KvError.InvalidSortOption"/>, <see cref="KvError.Compacted"/>,
/// <see cref="KvError.FutureRevision"/>. Source: etcd v3 API, RangeRequest.
/// </remarks>
public sealed record RangeRequest(KeyInterval Keys) : KvOperation
{
    /// <summary>The revision to read at; 0 or less is the newest.</summary>
    public long Revision { get; init; }

    /// <summary>The maximum number of keys to return; 0 or less is all of them.</summary>
    public long Limit { get; init; }

    /// <summary>Whether to return only the number of keys.</summary>
    public bool CountOnly { get; init; }

    /// <summary>Whether to return the keys without their values.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>The sort direction. <see cref="SortOrder.None"/> sorts by key, or ascending when the target is not the key.</summary>
    public SortOrder SortOrder { get; init; }

    /// <summary>The sort target.</summary>
    public SortTarget SortTarget { get; init; }

    /// <summary>Excludes keys last modified before this revision; 0 excludes none.</summary>
    public long MinModRevision { get; init; }

    /// <summary>Excludes keys last modified after this revision; 0 excludes none.</summary>
    public long MaxModRevision { get; init; }

    /// <summary>Excludes keys created before this revision; 0 excludes none.</summary>
    public long MinCreateRevision { get; init; }

    /// <summary>Excludes keys created after this revision; 0 excludes none.</summary>
    public long MaxCreateRevision { get; init; }

    /// <inheritdoc/>
    public override bool MayWrite => false;
}

/// <summary>The sort direction. The numbers are etcd's.</summary>
public enum SortOrder
{
    /// <summary>No direction.</summary>
    None = 0,

    /// <summary>Ascending.</summary>
    Ascend = 1,

    /// <summary>Descending.</summary>
    Descend = 2,
}

/// <summary>The sort target. The numbers are etcd's.</summary>
public enum SortTarget
{
    /// <summary>The key.</summary>
    Key = 0,

    /// <summary>The number of puts since the key was created.</summary>
    Version = 1,

    /// <summary>The revision that created the key.</summary>
    Create = 2,

    /// <summary>The revision that last modified the key.</summary>
    Mod = 3,

    /// <summary>The value.</summary>
    Value = 4,
}
