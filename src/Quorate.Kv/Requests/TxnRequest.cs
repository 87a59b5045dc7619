namespace Quorate.Kv;

/// <summary>If every comparison holds do one list of operations, else another; all of it in one revision, or none.</summary>
/// <remarks>
/// Shape: the operations run in order and see what those before them did. All comparisons, those of nested transactions too, are judged by
/// the state before the first operation. Refusals: <see cref="KvError.TooManyOperations"/>, <see cref="KvError.DuplicateKey"/>, and those of
/// every operation within. Source: etcd v3 API, TxnRequest.
/// </remarks>
public sealed record TxnRequest(
    IReadOnlyList<KeyCompare> Compare, IReadOnlyList<KvOperation> Success, IReadOnlyList<KvOperation> Failure) : KvOperation
{
    /// <inheritdoc/>
    public override bool MayWrite => AnyWrites(Success) || AnyWrites(Failure);

    private static bool AnyWrites(IReadOnlyList<KvOperation> operations)
    {
        foreach (var operation in operations)
        {
            if (operation.MayWrite)
                return true;
        }

        return false;
    }
}

/// <summary>One comparison of a transaction: it must hold for every key of the interval.</summary>
/// <remarks>
/// Shape: <see cref="Number"/> is what a version, revision or lease is compared with, <see cref="Value"/> what a value is compared with; the
/// other is not looked at. An interval without keys is compared as one key whose numbers are all 0; its value compares to nothing, so
/// that comparison is false, even for not-equal. Source: etcd v3 API, Compare.
/// </remarks>
public sealed record KeyCompare(KeyInterval Keys, CompareTarget Target, CompareResult Result)
{
    /// <summary>What the version, create revision, mod revision or lease is compared with.</summary>
    public long Number { get; init; }

    /// <summary>What the value is compared with.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }
}

/// <summary>What must be so. The numbers are etcd's.</summary>
public enum CompareResult
{
    /// <summary>The same.</summary>
    Equal = 0,

    /// <summary>The key's is greater.</summary>
    Greater = 1,

    /// <summary>The key's is less.</summary>
    Less = 2,

    /// <summary>Not the same.</summary>
    NotEqual = 3,
}

/// <summary>What of a key is compared. The numbers are etcd's.</summary>
public enum CompareTarget
{
    /// <summary>How often it was put since it was created; 0 is: there is no such key.</summary>
    Version = 0,

    /// <summary>The revision that created it.</summary>
    Create = 1,

    /// <summary>The revision that last modified it.</summary>
    Mod = 2,

    /// <summary>Its value.</summary>
    Value = 3,

    /// <summary>Its lease.</summary>
    Lease = 4,
}
