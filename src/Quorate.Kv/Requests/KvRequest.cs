namespace Quorate.Kv;

/// <summary>A request to the store.</summary>
public abstract record KvRequest
{
    private protected KvRequest()
    {
    }

    /// <summary>
    /// Whether the request may make the store larger. While space is short, only requests that do not are taken. etcd's rule: a put, the
    /// grant of a lease, and a transaction with a put in either branch at any depth.
    /// </summary>
    public virtual bool TakesSpace => false;
}

/// <summary>A request that may also be part of a transaction.</summary>
public abstract record KvOperation : KvRequest
{
    private protected KvOperation()
    {
    }

    /// <summary>
    /// Whether the operation may change the store. A transaction is read-only when no operation of either branch, at any depth, may write.
    /// </summary>
    public abstract bool MayWrite { get; }
}

/// <summary>An operation of a transaction whose union field was not set; always rejected.</summary>
/// <remarks>Errors: <see cref="KvError.KeyNotFound"/>, the error that etcd returns for it.</remarks>
public sealed record EmptyOperation : KvOperation
{
    /// <inheritdoc/>
    public override bool MayWrite => false;
}

/// <summary>Makes everything before a revision unreadable: of each key only its newest version at that revision remains.</summary>
/// <remarks>
/// Errors: <see cref="KvError.Compacted"/> when the store is already compacted to that revision, <see cref="KvError.FutureRevision"/>
/// beyond the newest.
/// </remarks>
public sealed record CompactRequest(long Revision) : KvRequest;
