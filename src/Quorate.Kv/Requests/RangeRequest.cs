namespace Quorate.Kv;

/// <summary>Read the keys of an interval, as they are or as they were.</summary>
/// <remarks>
/// Whether the read is serializable or linearizable is not said here: whoever reads chooses the snapshot.
/// Refusals: <see cref="KvError.KeyNotProvided"/>, <see cref="KvError.InvalidSortOption"/>, <see cref="KvError.Compacted"/>,
/// <see cref="KvError.FutureRevision"/>. Source: etcd v3 API, RangeRequest.
/// </remarks>
public sealed record RangeRequest(KeyInterval Keys) : KvOperation
{
    /// <summary>The revision to read at; 0 or less is the newest.</summary>
    public long Revision { get; init; }

    /// <summary>How many keys to answer at most; 0 or less is all of them.</summary>
    public long Limit { get; init; }

    /// <summary>Answer only how many keys there are.</summary>
    public bool CountOnly { get; init; }

    /// <summary>Answer everything but the values.</summary>
    public bool KeysOnly { get; init; }

    /// <summary>Ascending, descending, or as they come. As they come means by key, or ascending when the target is not the key.</summary>
    public SortOrder SortOrder { get; init; }

    /// <summary>What to sort by.</summary>
    public SortTarget SortTarget { get; init; }

    /// <summary>Leave out keys last modified before this revision; 0 leaves out none.</summary>
    public long MinModRevision { get; init; }

    /// <summary>Leave out keys last modified after this revision; 0 leaves out none.</summary>
    public long MaxModRevision { get; init; }

    /// <summary>Leave out keys created before this revision; 0 leaves out none.</summary>
    public long MinCreateRevision { get; init; }

    /// <summary>Leave out keys created after this revision; 0 leaves out none.</summary>
    public long MaxCreateRevision { get; init; }

    /// <inheritdoc/>
    public override bool MayWrite => false;
}

/// <summary>In what direction to sort. The numbers are etcd's.</summary>
public enum SortOrder
{
    /// <summary>As they come.</summary>
    None = 0,

    /// <summary>Least first.</summary>
    Ascend = 1,

    /// <summary>Greatest first.</summary>
    Descend = 2,
}

/// <summary>What to sort by. The numbers are etcd's.</summary>
public enum SortTarget
{
    /// <summary>The key.</summary>
    Key = 0,

    /// <summary>How often the key was put since it was created.</summary>
    Version = 1,

    /// <summary>The revision that created the key.</summary>
    Create = 2,

    /// <summary>The revision that last modified the key.</summary>
    Mod = 3,

    /// <summary>The value.</summary>
    Value = 4,
}
