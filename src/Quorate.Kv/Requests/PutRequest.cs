namespace Quorate.Kv;

/// <summary>Sets the value of a key.</summary>
/// <remarks>
/// Errors: <see cref="KvError.KeyNotProvided"/>; <see cref="KvError.ValueProvided"/> and <see cref="KvError.LeaseProvided"/> when a field
/// is both provided and ignored; <see cref="KvError.KeyNotFound"/> when the value or lease of the previous version is to be kept and the
/// key does not exist; <see cref="KvError.LeaseNotFound"/>. Source: etcd v3 API, PutRequest.
/// </remarks>
public sealed record PutRequest(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value) : KvOperation
{
    /// <summary>The lease to attach the key to; 0 is none, and detaches the key from its current lease.</summary>
    public long Lease { get; init; }

    /// <summary>Whether to return the previous version of the key.</summary>
    public bool PrevKv { get; init; }

    /// <summary>Whether to keep the current value of the key.</summary>
    public bool IgnoreValue { get; init; }

    /// <summary>Whether to keep the current lease of the key.</summary>
    public bool IgnoreLease { get; init; }

    /// <inheritdoc/>
    public override bool TakesSpace => true;

    /// <inheritdoc/>
    public override bool MayWrite => true;
}

/// <summary>Deletes the keys of an interval. If it matches no key, that is not an error and creates no revision.</summary>
/// <remarks>Errors: <see cref="KvError.KeyNotProvided"/>. Source: etcd v3 API, DeleteRangeRequest.</remarks>
public sealed record DeleteRangeRequest(KeyInterval Keys) : KvOperation
{
    /// <summary>Whether to return the deleted keys.</summary>
    public bool PrevKv { get; init; }

    /// <inheritdoc/>
    public override bool MayWrite => true;
}
