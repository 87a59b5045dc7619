namespace Quorate.Verification.Simulation.Store;

/// <summary>What clients ask of the store and of the list.</summary>
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

    /// <summary>Writes a key if it is still as it was; reads it if not.</summary>
    Swap,

    /// <summary>Appends to the list.</summary>
    Append,

    /// <summary>Reads the list.</summary>
    GetList,

    /// <summary>Reads a key as it was at a revision.</summary>
    GetPast,

    /// <summary>Reads what has happened to all keys since a revision: what a watcher is told.</summary>
    GetChanges,

    /// <summary>Forgets what was before a revision.</summary>
    Compact,

    /// <summary>Makes a lease.</summary>
    Grant,

    /// <summary>Lets a lease begin its time anew.</summary>
    Renew,

    /// <summary>Ends a lease, and its keys with it.</summary>
    Revoke,

    /// <summary>Ends a lease whose time is up, unless it was renewed since that was judged.</summary>
    Expire,

    /// <summary>Reads a lease and its keys.</summary>
    GetLease,
}

/// <summary>Why the store refused.</summary>
internal enum StoreError
{
    /// <summary>It did not.</summary>
    None,

    /// <summary>The revision was compacted away.</summary>
    Compacted,

    /// <summary>There is no such lease.</summary>
    NoSuchLease,

    /// <summary>There is one already.</summary>
    LeaseExists,
}

/// <summary>One question to the store.</summary>
/// <param name="Kind">What is asked.</param>
/// <param name="Keys">The keys it touches, ascending.</param>
/// <param name="Value">What is written: no two requests write the same.</param>
internal sealed record StoreRequest(StoreRequestKind Kind, string[] Keys, ulong Value = 0)
{
    /// <summary>What else it depends on or changes, by name; what shares none of these names knows nothing of it.</summary>
    public string[] TouchedNames { get; init; } = Keys;

    /// <summary>Of a put: the lease of the key, 0 is none. Of what is asked about a lease: which one.</summary>
    public long Lease { get; init; }

    /// <summary>Of a grant: how long the lease lives.</summary>
    public long Ttl { get; init; }

    /// <summary>Of an expiry: the renewal whose time is up. Of a grant and a renewal: what it is called, the entry that asked for it.</summary>
    public ulong RenewalEntry { get; init; }

    /// <summary>Of a compaction and of reads of the past: which revision.</summary>
    public long PastRevision { get; init; }

    /// <summary>Of a swap: the revision at which the key must have been written last; 0: it must not be there.</summary>
    public long ExpectedRevision { get; init; }

    /// <summary>Of a put: what was there before is answered.</summary>
    public bool WantsPrevious { get; init; }

    /// <summary>
    /// The revision a write gets if it is not the next one: that is how it is known to who sees only a part of the store. 0: the next one. Of an append: the only place it can have;
    /// below 0, one behind as many elements.
    /// </summary>
    public long AssignedRevision { get; init; }

    public bool IsRead => Kind is StoreRequestKind.Get or StoreRequestKind.GetAll or StoreRequestKind.GetList or StoreRequestKind.GetLease || IsHistoricalRead;

    /// <summary>It reads what was.</summary>
    public bool IsHistoricalRead => Kind is StoreRequestKind.GetPast or StoreRequestKind.GetChanges;

    public override string ToString() => Kind switch
    {
        StoreRequestKind.Get => $"read {Keys[0]}",
        StoreRequestKind.GetAll => "read all keys",
        StoreRequestKind.GetPast => $"read {Keys[0]} at revision {PastRevision}",
        StoreRequestKind.GetChanges => $"read what happened since revision {PastRevision}",
        StoreRequestKind.Compact => $"compact at revision {PastRevision}",
        StoreRequestKind.Grant => $"grant lease {Lease} for {Ttl} s",
        StoreRequestKind.Renew => $"renew lease {Lease}",
        StoreRequestKind.Revoke => $"revoke lease {Lease}",
        StoreRequestKind.Expire => $"end lease {Lease} if it was not renewed since {RenewalEntry}",
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

/// <summary>One answer of the store.</summary>
/// <param name="Revision">The store's revision; of the list's answers 0.</param>
/// <param name="Versions">The keys that were read, ascending.</param>
internal sealed record StoreResponse(long Revision, KeyVersion[] Versions)
{
    /// <summary>Why it was refused.</summary>
    public StoreError Error { get; init; }

    /// <summary>Of a grant, a renewal and a read of a lease: the lease, if there is one.</summary>
    public LeaseState? Lease { get; init; }

    /// <summary>Of a swap: it took place. Of a delete: there was something. Of an expiry: the lease was not renewed. Of a revocation and a compaction: always.</summary>
    public bool Succeeded { get; init; }

    /// <summary>Of an append: where it stands.</summary>
    public int ListLength { get; init; }

    /// <summary>Of a read of the list: all of it.</summary>
    public AppendOnlyList? List { get; init; }

    public override string ToString() =>
        Error != StoreError.None ? $"refused: {Error}, revision {Revision}"
        : List is not null ? List.ToString()
        : ListLength > 0 ? $"place {ListLength}"
        : $"{(Succeeded ? "done, " : "")}{(Lease is { } lease ? $"{lease}, " : "")}{(Versions.Length > 0 ? string.Join(", ", Versions) : "no keys")}{(Revision > 0 ? $", revision {Revision}" : "")}";
}

/// <summary>A key as it is at some moment; of version 0 when it was deleted.</summary>
/// <remarks>A revision below 0 stands for one that nobody was told: of a write that was never answered.</remarks>
internal readonly record struct KeyVersion(string Key, ulong Value, long Created, long Modified, long Version, long Lease)
{
    public override string ToString() =>
        Version == 0 ? $"{Key} deleted (revision {Modified})" : $"{Key}={Value} (revision {Modified}, version {Version} since {Created}{(Lease == 0 ? "" : $", lease {Lease}")})";
}

/// <summary>A lease as it is at some moment.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Ttl">How long it lives without a renewal.</param>
/// <param name="RenewalEntry">What its last renewal is called.</param>
internal readonly record struct LeaseState(long Id, long Ttl, ulong RenewalEntry)
{
    public override string ToString() => $"lease {Id} of {Ttl} s, renewed at {RenewalEntry}";
}
