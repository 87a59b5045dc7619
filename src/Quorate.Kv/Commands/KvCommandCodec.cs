using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>
/// The encoding of a request in the log: encoded by the member that proposes it, decoded by every member that applies it.
/// </summary>
/// <remarks>
/// <code>
///   byte 0   format: 1, 2 for the kinds introduced with leases, or 3 for those introduced with the lease clock
///   byte 1   kind: 1 put, 2 delete range, 3 transaction, 4 compaction; 6 grant, 7 revoke, 8 renew, 9 expire a lease;
///            10 renew many leases, 11 advance the lease clock
///   then     the fields of that kind, in the order of docs/formats/kv-command.md
///
///   number   base-128, low group first; a number that may be negative is zigzag-encoded before
///   bytes    number of bytes, then the bytes
///   list     number of elements, then the elements
/// </code>
/// Every change of the encoding requires a new format and updates of docs/formats/kv-command.md and of the golden bytes in the tests.
/// </remarks>
public static class KvCommandCodec
{
    /// <summary>
    /// The newest format this build writes. It writes each command in the oldest format that has its kind, so that older members can read
    /// as many commands as possible.
    /// </summary>
    public const byte FormatVersion = LeaseClockFormat;

    /// <summary>
    /// The maximum nesting depth of transactions. A transaction with at most <see cref="MaxTxnOps"/> operations cannot be nested deeper.
    /// </summary>
    public const int MaxTxnDepth = MaxTxnOps + 1;

    /// <summary>The maximum that a server may allow as <see cref="KvLimits.MaxTxnOps"/>, so that the decoding depth is bounded.</summary>
    public const int MaxTxnOps = 1024;

    internal const byte FirstFormat = 1;
    internal const byte LeaseFormat = 2;
    internal const byte LeaseClockFormat = 3;

    internal const byte KindPut = 1;
    internal const byte KindDeleteRange = 2;
    internal const byte KindTxn = 3;
    internal const byte KindCompact = 4;
    internal const byte KindRange = 5; // Only inside a transaction.

    internal const byte KindLeaseGrant = 6;
    internal const byte KindLeaseRevoke = 7;
    internal const byte KindLeaseRenew = 8;
    internal const byte KindLeaseExpire = 9;

    internal const byte KindLeaseRenewMany = 10;
    internal const byte KindLeaseClockAdvance = 11;

    /// <summary>Encodes a command that changes the store.</summary>
    /// <remarks>
    /// Shape: a put, a delete, a transaction, a compaction or a request about leases that passed
    /// <see cref="RequestValidator.Validate"/>; a range is not proposed. Errors: throws <see cref="ArgumentException"/> for a request that
    /// the validator rejects.
    /// </remarks>
    public static void Encode(KvRequest request, IBufferWriter<byte> target)
    {
        var writer = new CommandWriter(target);
        writer.Byte(FormatOf(request));
        switch (request)
        {
            case CompactRequest compact:
                writer.Byte(KindCompact);
                writer.Signed(compact.Revision);
                break;
            case PutRequest or DeleteRangeRequest or TxnRequest:
                writer.Operation((KvOperation)request, depth: 1);
                break;
            case LeaseRequest lease:
                writer.Lease(lease);
                break;
            case LeaseRenewManyRequest renewals:
                writer.Byte(KindLeaseRenewMany);
                writer.LeaseRenewMany(renewals);
                break;
            case LeaseClockAdvanceRequest advance:
                writer.Byte(KindLeaseClockAdvance);
                writer.LeaseClockAdvance(advance);
                break;
            default:
                throw new ArgumentException($"{request.GetType().Name} is not a command", nameof(request));
        }

        writer.Flush();
    }

    /// <summary>As <see cref="Decode"/>; returns false for bytes that are no command.</summary>
    public static bool TryDecode(ReadOnlyMemory<byte> command, [NotNullWhen(true)] out KvRequest? request)
    {
        try
        {
            request = Decode(command);
            return true;
        }
        catch (KvCommandFormatException)
        {
            request = null;
            return false;
        }
    }

    /// <summary>Decodes a command. The request refers to the bytes it was decoded from; they must not change.</summary>
    /// <remarks>
    /// Errors: throws <see cref="KvCommandFormatException"/> for anything that <see cref="Encode"/> would not have written. No length
    /// causes an allocation before that many bytes have been seen.
    /// </remarks>
    public static KvRequest Decode(ReadOnlyMemory<byte> command)
    {
        var reader = new CommandReader(command);
        var format = reader.Byte();
        if (format is < FirstFormat or > FormatVersion)
            throw new KvCommandFormatException($"unknown command format {format}; this build reads {FirstFormat} to {FormatVersion}");

        var kind = reader.Byte();
        KvRequest request = (format, kind) switch
        {
            (FirstFormat, KindPut or KindDeleteRange or KindTxn) => reader.Operation(kind, depth: 1),
            (FirstFormat, KindCompact) => new CompactRequest(reader.Signed()),
            (LeaseFormat, KindLeaseGrant) => reader.LeaseGrant(),
            (LeaseFormat, KindLeaseRevoke) => new LeaseRevokeRequest(reader.Signed()),
            (LeaseFormat, KindLeaseRenew) => new LeaseRenewRequest(reader.Signed()),
            (LeaseFormat, KindLeaseExpire) => new LeaseExpireRequest(reader.Signed(), new LogIndex(reader.Number())),
            (LeaseClockFormat, KindLeaseRenewMany) => reader.LeaseRenewMany(),
            (LeaseClockFormat, KindLeaseClockAdvance) => reader.LeaseClockAdvance(),
            _ => throw new KvCommandFormatException($"unknown command kind {kind} in format {format}"),
        };
        reader.ExpectEnd();
        return request;
    }

    private static byte FormatOf(KvRequest request) => request switch
    {
        LeaseRequest => LeaseFormat,
        LeaseRenewManyRequest or LeaseClockAdvanceRequest => LeaseClockFormat,
        _ => FirstFormat,
    };
}
