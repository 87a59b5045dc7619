using System.Globalization;
using System.Text;
using Quorate.Kv;

namespace Quorate.Cli.Inspect;

/// <summary>Describes a command of the key-value store in one line. Values are not shown, only their lengths.</summary>
internal static class CommandDescription
{
    /// <summary>Describes a command.</summary>
    public static string Of(KvRequest request) => request switch
    {
        PutRequest put => Create($"put {Quote(put.Key)}, {put.Value.Length} bytes{(put.Lease == 0 ? "" : $", lease {put.Lease:x}")}"),
        DeleteRangeRequest delete => $"delete {Of(delete.Keys)}",
        RangeRequest range => $"range {Of(range.Keys)}",
        TxnRequest txn => Create($"txn of {txn.Compare.Count} comparisons, then [{Of(txn.Success)}], else [{Of(txn.Failure)}]"),
        CompactRequest compact => Create($"compact to revision {compact.Revision}"),
        LeaseGrantRequest grant => Create($"grant lease {grant.Id:x} for {grant.TtlSeconds} s"),
        LeaseRevokeRequest revoke => Create($"revoke lease {revoke.Id:x}"),
        LeaseRenewRequest renew => Create($"renew lease {renew.Id:x}"),
        LeaseExpireRequest expire => Create($"expire lease {expire.Id:x}, renewed at {expire.RenewedAt}"),
        LeaseRenewManyRequest renewals => Create($"renew {renewals.Ids.Count} leases"),
        LeaseClockAdvanceRequest advance => Create($"advance the lease clock by {advance.Milliseconds} ms since {advance.Base}"),
        _ => request.GetType().Name,
    };

    private static string Of(IReadOnlyList<KvOperation> operations) => string.Join("; ", operations.Select(Of));

    private static string Of(KeyInterval keys) => keys.Kind switch
    {
        KeyIntervalKind.Single => Quote(keys.Start),
        KeyIntervalKind.From => $"from {Quote(keys.Start)}",
        _ => $"{Quote(keys.Start)} to {Quote(keys.End)}",
    };

    // Keys are bytes: what is not printable ASCII is written as \xNN.
    private static string Quote(ReadOnlyMemory<byte> key)
    {
        var text = new StringBuilder("\"");
        foreach (var b in key.Span)
        {
            if (b is >= (byte)' ' and < 0x7F and not ((byte)'"' or (byte)'\\'))
                text.Append((char)b);
            else
                text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
        }

        return text.Append('"').ToString();
    }

    private static string Create(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
