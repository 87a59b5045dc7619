namespace Quorate.Verification.Simulation.Store;

/// <summary>The kinds of requests to the store and the list.</summary>
internal enum StoreRequestKind
{
    /// <summary>Reads a key.</summary>
    Get,

    /// <summary>Reads all keys.</summary>
    GetAll,

    /// <summary>Writes a key.</summary>
    Put,

    /// <summary>Writes two keys at once.</summary>
    PutBoth,

    /// <summary>Deletes a key.</summary>
    Delete,

    /// <summary>Compare-and-swap: writes a key if its modification revision is unchanged; otherwise reads it.</summary>
    Swap,

    /// <summary>Appends to the list.</summary>
    Append,

    /// <summary>Reads the list.</summary>
    GetList,

    /// <summary>Reads a key as it was at a revision.</summary>
    GetPast,

    /// <summary>Reads all changes since a revision, as a watcher receives them.</summary>
    GetChanges,

    /// <summary>Compacts all revisions before one.</summary>
    Compact,

    /// <summary>Grants a lease.</summary>
    Grant,

    /// <summary>Renews a lease: its time to live starts again.</summary>
    Renew,

    /// <summary>Renews several leases in one command.</summary>
    RenewMany,

    /// <summary>Revokes a lease and deletes its keys.</summary>
    Revoke,

    /// <summary>Ends a lease that has expired, unless it was renewed after its expiry was observed.</summary>
    Expire,

    /// <summary>Reads a lease and its keys.</summary>
    GetLease,
}

/// <summary>The errors of the store. The trace hash covers the names of these members.</summary>
internal enum StoreError
{
    /// <summary>No error.</summary>
    None,

    /// <summary>The revision was compacted.</summary>
    Compacted,

    /// <summary>The lease does not exist.</summary>
    NoSuchLease,

    /// <summary>The lease exists already.</summary>
    LeaseExists,
}

/// <summary>A request to the store or the list.</summary>
/// <param name="Kind">The kind of request.</param>
/// <param name="Keys">The keys that the request accesses, in ascending order.</param>
/// <param name="Value">The value that is written; no two requests write the same one.</param>
internal sealed record StoreRequest(StoreRequestKind Kind, string[] Keys, ulong Value = 0)
{
    /// <summary>The names of everything that the request reads or changes; requests that share no name are independent.</summary>
    public string[] TouchedNames { get; init; } = Keys;

    /// <summary>Put: the lease of the key, 0 for none. Requests about a lease: its id.</summary>
    public long Lease { get; init; }

    /// <summary>Renewal of several leases: their ids.</summary>
    public long[] Leases { get; init; } = [];

    /// <summary>Grant: the time to live, in seconds.</summary>
    public long Ttl { get; init; }

    /// <summary>
    /// Expire: the index of the grant or renewal whose time has expired. Grant and renew: the index of this request's own entry.
    /// </summary>
    public ulong RenewalEntry { get; init; }

    /// <summary>Compact and reads of the past: the revision.</summary>
    public long PastRevision { get; init; }

    /// <summary>Swap: the expected modification revision of the key; 0 if the key must not exist.</summary>
    public long ExpectedRevision { get; init; }

    /// <summary>Put, and read of the changes: whether the response contains the previous version of each key.</summary>
    public bool WantsPrevious { get; init; }

    /// <summary>
    /// The revision that a write creates, if it is not the next one: in a part of the store this is how a write is identified. 0: the next
    /// one. Append: the only position that the element can have; below 0, any position after that many elements.
    /// </summary>
    public long AssignedRevision { get; init; }

    public bool IsRead =>
        Kind is StoreRequestKind.Get or StoreRequestKind.GetAll or StoreRequestKind.GetList or StoreRequestKind.GetLease
        || IsHistoricalRead;

    /// <summary>Whether the request reads past revisions.</summary>
    public bool IsHistoricalRead => Kind is StoreRequestKind.GetPast or StoreRequestKind.GetChanges;

    public override string ToString() => Kind switch
    {
        StoreRequestKind.Get => $"read {Keys[0]}",
        StoreRequestKind.GetAll => "read all keys",
        StoreRequestKind.GetPast => $"read {Keys[0]} at revision {PastRevision}",
        StoreRequestKind.GetChanges =>
            $"read the changes{(WantsPrevious ? ", with what they replaced," : "")} since revision {PastRevision}",
        StoreRequestKind.Compact => $"compact at revision {PastRevision}",
        StoreRequestKind.Grant => $"grant lease {Lease} for {Ttl} s",
        StoreRequestKind.Renew => $"renew lease {Lease}",
        StoreRequestKind.RenewMany => $"renew leases {string.Join(", ", Leases)}",
        StoreRequestKind.Revoke => $"revoke lease {Lease}",
        StoreRequestKind.Expire => $"expire lease {Lease} unless renewed since {RenewalEntry}",
        StoreRequestKind.GetLease => $"read lease {Lease}",
        StoreRequestKind.Put when Lease != 0 => $"put {Keys[0]}={Value} with lease {Lease}",
        StoreRequestKind.Put => $"put {Keys[0]}={Value}",
        StoreRequestKind.PutBoth => $"put {Keys[0]}={Value} and {Keys[1]}={Value}",
        StoreRequestKind.Delete => $"delete {Keys[0]}",
        StoreRequestKind.Swap => $"swap {Keys[0]} of revision {ExpectedRevision} for {Value}",
        StoreRequestKind.Append => $"append {Value}",
        _ => "read the list",
    };
}

/// <summary>A response of the store or the list.</summary>
/// <remarks>The trace hash covers the text of every read response: a change of the texts below changes it.</remarks>
/// <param name="Revision">The store's revision; 0 for the list.</param>
/// <param name="Versions">The keys that were read, in ascending order.</param>
internal sealed record StoreResponse(long Revision, KeyVersion[] Versions)
{
    /// <summary>The error, if any.</summary>
    public StoreError Error { get; init; }

    /// <summary>
    /// Read of the changes: for each of <see cref="Versions"/> the version before it, null if there was none or it was compacted. Empty if
    /// not requested.
    /// </summary>
    public KeyVersion?[] Previous { get; init; } = [];

    /// <summary>Grant, renew and get of a lease: the lease, if it exists.</summary>
    public LeaseState? Lease { get; init; }

    /// <summary>Renewal of several leases: each of them, with the time to live 0 if it does not exist.</summary>
    public LeaseState[] Leases { get; init; } = [];

    /// <summary>
    /// Swap: whether it took place. Delete: whether the key existed. Expire: whether the lease ended, because it had not been renewed. Put
    /// of two keys, revoke and compact: always true.
    /// </summary>
    public bool Succeeded { get; init; }

    /// <summary>Append: the position of the element, from 1.</summary>
    public int ListLength { get; init; }

    /// <summary>Read of the list: the whole list.</summary>
    public AppendOnlyList? List { get; init; }

    public override string ToString() =>
        Error != StoreError.None ? $"refused: {Error}, revision {Revision}"
        : List is not null ? List.ToString()
        : ListLength > 0 ? $"place {ListLength}"
        : $"{(Succeeded ? "done, " : "")}{(Lease is { } lease ? $"{lease}, " : "")}" +
            $"{string.Concat(Leases.Select(static l => $"{l}, "))}" +
            $"{(Versions.Length > 0 ? string.Join(", ", Versions) : "no keys")}{(Revision > 0 ? $", revision {Revision}" : "")}" +
            $"{(Previous.Length > 0 ? $", before: {string.Join(", ", Previous.Select(static p => p?.ToString() ?? "none"))}" : "")}";
}

/// <summary>A version of a key; the version number is 0 for a deletion.</summary>
/// <remarks>A revision below 0 stands for one that no client observed: the revision of a write without a response.</remarks>
internal readonly record struct KeyVersion(string Key, ulong Value, long Created, long Modified, long Version, long Lease)
{
    public override string ToString() =>
        Version == 0
            ? $"{Key} deleted (revision {Modified})"
            : $"{Key}={Value} (revision {Modified}, version {Version} since {Created}{(Lease == 0 ? "" : $", lease {Lease}")})";
}

/// <summary>The state of a lease.</summary>
/// <param name="Id">The lease's id.</param>
/// <param name="Ttl">The time to live after a renewal, in seconds.</param>
/// <param name="RenewalEntry">The index of the entry that granted or last renewed the lease.</param>
internal readonly record struct LeaseState(long Id, long Ttl, ulong RenewalEntry)
{
    public override string ToString() => $"lease {Id} of {Ttl} s, renewed at {RenewalEntry}";
}
