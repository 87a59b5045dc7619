namespace Quorate.Kv;

/// <summary>Give a key a value.</summary>
/// <remarks>
/// Refusals: <see cref="KvError.KeyNotProvided"/>; <see cref="KvError.ValueProvided"/> and <see cref="KvError.LeaseProvided"/> when a thing is
/// both given and to be ignored; <see cref="KvError.KeyNotFound"/> when something of the old version is to be kept and there is none;
/// <see cref="KvError.LeaseNotFound"/>. Source: etcd v3 API, PutRequest.
/// </remarks>
public sealed record PutRequest(ReadOnlyMemory<byte> Key, ReadOnlyMemory<byte> Value) : KvOperation
{
    /// <summary>The lease the key shall live by; 0 is none, and takes the key off the lease it had.</summary>
    public long Lease { get; init; }

    /// <summary>Answer what the key was before.</summary>
    public bool PrevKv { get; init; }

    /// <summary>Keep the value the key has.</summary>
    public bool IgnoreValue { get; init; }

    /// <summary>Keep the lease the key has.</summary>
    public bool IgnoreLease { get; init; }

    /// <inheritdoc/>
    public override bool MayWrite => true;
}

/// <summary>Remove the keys of an interval. To remove nothing is no error and makes no revision.</summary>
/// <remarks>Refusals: <see cref="KvError.KeyNotProvided"/>. Source: etcd v3 API, DeleteRangeRequest.</remarks>
public sealed record DeleteRangeRequest(KeyInterval Keys) : KvOperation
{
    /// <summary>Answer what the keys were.</summary>
    public bool PrevKv { get; init; }

    /// <inheritdoc/>
    public override bool MayWrite => true;
}
