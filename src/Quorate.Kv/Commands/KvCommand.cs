using System.Buffers;

namespace Quorate.Kv;

/// <summary>A request as it lies in the log: encoded by the member that proposes it, decoded by every member that applies it.</summary>
/// <remarks><code>
///   byte 0   format, 1
///   byte 1   kind: 1 put, 2 delete range, 3 transaction, 4 compaction
///   then     the fields of that kind, in the order of docs/formats/kv-command.md
///
///   number   base-128, low group first; one that may be negative is zigzagged before
///   bytes    number of bytes, then the bytes
///   list     number of elements, then the elements
/// </code>
/// Any change here bumps the format, docs/formats/kv-command.md, and the golden bytes in the tests together.
/// </remarks>
public static class KvCommand
{
    /// <summary>The format this build writes.</summary>
    public const byte FormatVersion = 1;

    /// <summary>How deep transactions may nest. A transaction of at most so many operations cannot nest deeper.</summary>
    public const int DepthMax = TxnOpsMax + 1;

    /// <summary>The most any server may allow as <see cref="KvLimits.TxnOpsMax"/>, so that decoding has a bound on its depth.</summary>
    public const int TxnOpsMax = 1024;

    internal const byte KindPut = 1;
    internal const byte KindDeleteRange = 2;
    internal const byte KindTxn = 3;
    internal const byte KindCompact = 4;
    internal const byte KindRange = 5; // Only inside a transaction.

    /// <summary>Writes a command that changes the store.</summary>
    /// <remarks>
    /// Shape: a put, a delete, a transaction or a compaction that passed <see cref="KvChecks.Check"/>; a range is not proposed.
    /// Errors: <see cref="ArgumentException"/> for what no check lets through.
    /// </remarks>
    public static void Encode(KvRequest request, IBufferWriter<byte> target)
    {
        var writer = new CommandWriter(target);
        writer.Byte(FormatVersion);
        switch (request)
        {
            case CompactRequest compact:
                writer.Byte(KindCompact);
                writer.Signed(compact.Revision);
                break;
            case PutRequest or DeleteRangeRequest or TxnRequest:
                writer.Operation((KvOperation)request, depth: 1);
                break;
            default:
                throw new ArgumentException($"{request.GetType().Name} is not a command", nameof(request));
        }

        writer.Flush();
    }

    /// <summary>Reads a command. The request refers to the bytes it was read from; they must not change.</summary>
    /// <remarks>
    /// Errors: <see cref="KvCommandFormatException"/> for anything that <see cref="Encode"/> would not have written. Nothing is allocated
    /// by a length before as many bytes have been seen.
    /// </remarks>
    public static KvRequest Decode(ReadOnlyMemory<byte> command)
    {
        var reader = new CommandReader(command);
        var format = reader.Byte();
        if (format != FormatVersion)
            throw new KvCommandFormatException($"command format {format}; this build reads {FormatVersion}");

        var kind = reader.Byte();
        KvRequest request = kind switch
        {
            KindPut or KindDeleteRange or KindTxn => reader.Operation(kind, depth: 1),
            KindCompact => new CompactRequest(reader.Signed()),
            _ => throw new KvCommandFormatException($"command kind {kind}"),
        };
        reader.End();
        return request;
    }
}
