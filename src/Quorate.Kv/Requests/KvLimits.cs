namespace Quorate.Kv;

/// <summary>
/// Limits of a request. They are checked before a request is proposed and never when it is applied: members may have different limits.
/// </summary>
public sealed record KvLimits
{
    /// <summary>The limits with etcd's defaults.</summary>
    public static KvLimits Default { get; } = new();

    /// <summary>
    /// The maximum number of comparisons, of operations on success, and of operations on failure of a transaction. The largest of the three
    /// counts; nested transactions share the remainder.
    /// </summary>
    /// <remarks>
    /// Default 128, as etcd's <c>--max-txn-ops</c>. Too small: clients that batch are rejected. Too large: one transaction delays all
    /// others.
    /// </remarks>
    public int MaxTxnOps { get; init; } = 128;

    /// <summary>The maximum size of one encoded command, in bytes.</summary>
    /// <remarks>Default 1.5 MiB, as etcd's <c>--max-request-bytes</c>. Large commands delay all entries behind them in the log.</remarks>
    public int MaxRequestBytes { get; init; } = 1572864;
}
