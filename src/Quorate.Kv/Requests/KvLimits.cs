namespace Quorate.Kv;

/// <summary>How large a request may be. Judged before a request is proposed, and never when it is applied: members may differ in them.</summary>
public sealed record KvLimits
{
    /// <summary>etcd's defaults.</summary>
    public static KvLimits Default { get; } = new();

    /// <summary>
    /// Comparisons, operations on success, or operations on failure of a transaction, whichever is most; what is nested shares what remains.
    /// </summary>
    /// <remarks>Default 128, as etcd's <c>--max-txn-ops</c>. Too small and clients that batch are refused; too large and one transaction holds up all others.</remarks>
    public int MaxTxnOps { get; init; } = 128;

    /// <summary>Bytes of one encoded command.</summary>
    /// <remarks>Default 1.5 MiB, as etcd's <c>--max-request-bytes</c>. Large commands stall the log for everyone behind them.</remarks>
    public int MaxRequestBytes { get; init; } = 1572864;
}
