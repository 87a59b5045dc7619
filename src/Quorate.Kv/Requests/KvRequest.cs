namespace Quorate.Kv;

/// <summary>Something a client asks of the store.</summary>
public abstract record KvRequest
{
    private protected KvRequest()
    {
    }
}

/// <summary>A request that may also stand inside a transaction.</summary>
public abstract record KvOperation : KvRequest
{
    private protected KvOperation()
    {
    }

    /// <summary>Whether carrying it out may change the store. A transaction is read-only when no operation of either branch, at any depth, writes.</summary>
    public abstract bool MayWrite { get; }
}

/// <summary>An operation of a transaction that says nothing: its union field was not set. It is always refused.</summary>
/// <remarks>Refusals: <see cref="KvError.KeyNotFound"/>, which is what etcd answers, oddly enough.</remarks>
public sealed record EmptyOperation : KvOperation
{
    /// <inheritdoc/>
    public override bool MayWrite => false;
}

/// <summary>Forget what was before a revision: of each key only its newest version at that revision remains readable.</summary>
/// <remarks>
/// Refusals: <see cref="KvError.Compacted"/> when already compacted that far, <see cref="KvError.FutureRevision"/> beyond the newest.
/// </remarks>
public sealed record CompactRequest(long Revision) : KvRequest;
