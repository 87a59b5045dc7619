namespace Quorate.Kv;

/// <summary>
/// A transaction: if every comparison holds, executes one list of operations, otherwise another, all in one revision or none.
/// </summary>
/// <remarks>
/// Shape: the operations run in order, and each sees the effects of the earlier ones. All comparisons, including those of nested
/// transactions, are evaluated on the state before the first operation. Errors: <see cref="KvError.TooManyOperations"/>,
/// <see cref="KvError.DuplicateKey"/>, and those of every operation in it. Source: etcd v3 API, TxnRequest.
/// </remarks>
public sealed record TxnRequest(
    IReadOnlyList<KeyCompare> Compare, IReadOnlyList<KvOperation> Success, IReadOnlyList<KvOperation> Failure) : KvOperation
{
    /// <inheritdoc/>
    public override bool MayWrite => AnyWrites(Success) || AnyWrites(Failure);

    /// <inheritdoc/>
    public override bool TakesSpace => Success.Any(static o => o.TakesSpace) || Failure.Any(static o => o.TakesSpace);

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
/// Shape: <see cref="Number"/> is compared with a version, revision or lease, <see cref="Value"/> with a value; the other is ignored. An
/// interval without keys is treated as one key whose numbers are all 0 and which has no value, so a comparison of its value is false, even
/// not-equal. Source: etcd v3 API, Compare.
/// </remarks>
public sealed record KeyCompare(KeyInterval Keys, CompareTarget Target, CompareResult Result)
{
    /// <summary>The version, create revision, mod revision or lease to compare with.</summary>
    public long Number { get; init; }

    /// <summary>The value to compare with.</summary>
    public ReadOnlyMemory<byte> Value { get; init; }
}

/// <summary>The relation that must hold. The numbers are etcd's.</summary>
public enum CompareResult
{
    /// <summary>Equal.</summary>
    Equal = 0,

    /// <summary>The key's is greater.</summary>
    Greater = 1,

    /// <summary>The key's is less.</summary>
    Less = 2,

    /// <summary>Not equal.</summary>
    NotEqual = 3,
}

/// <summary>The property of a key that is compared. The numbers are etcd's.</summary>
public enum CompareTarget
{
    /// <summary>The number of puts since the key was created; 0 if the key does not exist.</summary>
    Version = 0,

    /// <summary>The revision that created the key.</summary>
    Create = 1,

    /// <summary>The revision that last modified the key.</summary>
    Mod = 2,

    /// <summary>The value.</summary>
    Value = 3,

    /// <summary>The lease.</summary>
    Lease = 4,
}
