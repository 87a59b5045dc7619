using Google.Protobuf.Collections;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Decides which responses are written in parts instead of as one message in memory.</summary>
/// <remarks>
/// The values of a large response are in the store already. A response that is encoded as a whole copies them: a hundred clients that each
/// read 12 MB, and cancel or read slowly, would take 1.2 GB. In parts, a response takes no more than the connection's send buffer.
/// </remarks>
internal static class LargeResponses
{
    /// <summary>The size from which a response is written in parts, bytes.</summary>
    /// <remarks>Kestrel's send buffer has the same size, so a smaller response fits into it as a whole.</remarks>
    public const int BytesMin = 64 * 1024;

    // The protobuf overhead of a key: tags, lengths, revisions, version and lease.
    private const int BytesPerKey = 48;

    /// <summary>Whether a response is large. The size is estimated, and only as far as necessary.</summary>
    public static bool IsLarge(RangeResponse response) => Add(0, response.Kvs) >= BytesMin;

    /// <inheritdoc cref="IsLarge(RangeResponse)"/>
    public static bool IsLarge(DeleteRangeResponse response) => Add(0, response.PrevKvs) >= BytesMin;

    /// <inheritdoc cref="IsLarge(RangeResponse)"/>
    public static bool IsLarge(TxnResponse response) => Add(0, response) >= BytesMin;

    private static long Add(long bytes, TxnResponse response)
    {
        foreach (var operation in response.Responses)
        {
            if (bytes >= BytesMin)
                break;
            bytes = operation.ResponseCase switch
            {
                ResponseOp.ResponseOneofCase.ResponseRange => Add(bytes, operation.ResponseRange.Kvs),
                ResponseOp.ResponseOneofCase.ResponseDeleteRange => Add(bytes, operation.ResponseDeleteRange.PrevKvs),
                ResponseOp.ResponseOneofCase.ResponsePut => Add(bytes, operation.ResponsePut.PrevKv),
                ResponseOp.ResponseOneofCase.ResponseTxn => Add(bytes, operation.ResponseTxn),
                _ => bytes,
            };
        }

        return bytes;
    }

    private static long Add(long bytes, RepeatedField<KeyValue> kvs)
    {
        for (var i = 0; i < kvs.Count && bytes < BytesMin; i++)
            bytes = Add(bytes, kvs[i]);
        return bytes;
    }

    private static long Add(long bytes, KeyValue? kv) => kv is null ? bytes : bytes + kv.Key.Length + kv.Value.Length + BytesPerKey;
}
