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
}

/// <summary>One question to the store.</summary>
/// <param name="Kind">What is asked.</param>
/// <param name="Keys">The keys it touches, ascending.</param>
/// <param name="Value">What is written: no two requests write the same.</param>
internal sealed record StoreRequest(StoreRequestKind Kind, string[] Keys, ulong Value = 0)
{
    /// <summary>Of a swap: the revision at which the key must have been written last; 0: it must not be there.</summary>
    public long Expected { get; init; }

    /// <summary>Of a put: what was there before is answered.</summary>
    public bool WantsPrevious { get; init; }

    /// <summary>
    /// The revision a write gets if it is not the next one: that is how it is known to who sees only a part of the store. 0: the next one. Of an append: the only place it can have;
    /// below 0, one behind as many elements.
    /// </summary>
    public long Revision { get; init; }

    public bool IsRead => Kind is StoreRequestKind.Get or StoreRequestKind.GetAll or StoreRequestKind.GetList;

    public override string ToString() => Kind switch
    {
        StoreRequestKind.Get => $"read {Keys[0]}",
        StoreRequestKind.GetAll => "read all keys",
        StoreRequestKind.Put => $"put {Keys[0]}={Value}",
        StoreRequestKind.PutBoth => $"put {Keys[0]}={Value} and {Keys[1]}={Value}",
        StoreRequestKind.Delete => $"delete {Keys[0]}",
        StoreRequestKind.Swap => $"swap {Keys[0]} of revision {Expected} for {Value}",
        StoreRequestKind.Append => $"append {Value}",
        _ => "read the list",
    };
}

/// <summary>One answer of the store.</summary>
/// <param name="Revision">The store's revision; of the list's answers 0.</param>
/// <param name="Seen">The keys that were read, ascending.</param>
internal sealed record StoreResponse(long Revision, KeyVersion[] Seen)
{
    /// <summary>Of a swap: it took place. Of a delete: there was something.</summary>
    public bool Succeeded { get; init; }

    /// <summary>Of an append: where it stands.</summary>
    public int Length { get; init; }

    /// <summary>Of a read of the list: all of it.</summary>
    public AppendedList? List { get; init; }

    public override string ToString() =>
        List is not null ? List.ToString()
        : Length > 0 ? $"place {Length}"
        : $"{(Succeeded ? "done, " : "")}{(Seen.Length > 0 ? string.Join(", ", Seen) : "no keys")}{(Revision > 0 ? $", revision {Revision}" : "")}";
}

/// <summary>A key as it is at some moment.</summary>
/// <remarks>A revision below 0 stands for one that nobody was told: of a write that was never answered.</remarks>
internal readonly record struct KeyVersion(string Key, ulong Value, long Created, long Modified, long Version)
{
    public override string ToString() => $"{Key}={Value} (revision {Modified}, version {Version} since {Created})";
}
