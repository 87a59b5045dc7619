using Google.Protobuf;
using Google.Protobuf.Collections;
using Quorate.Kv;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Maps the store's responses to protobuf messages. Bytes are not copied: the store never changes them.</summary>
/// <remarks>The mapping of many keys ends when the call is cancelled.</remarks>
internal static class ResponseMapper
{
    private const int KeysPerPoll = 256;

    /// <summary>Maps the response of a range.</summary>
    public static Wire.RangeResponse ToWire(RangeResponse response, Wire.ResponseHeader header, RequestContext context)
    {
        var wire = new Wire.RangeResponse { Header = header, More = response.More, Count = response.Count };
        AddTo(wire.Kvs, response.Kvs, context);
        return wire;
    }

    /// <summary>Maps the response of a put.</summary>
    public static Wire.PutResponse ToWire(PutResponse response, Wire.ResponseHeader header) =>
        new() { Header = header, PrevKv = response.PrevKv is { } previous ? ToWire(previous) : null };

    /// <summary>Maps the response of a delete range.</summary>
    public static Wire.DeleteRangeResponse ToWire(DeleteRangeResponse response, Wire.ResponseHeader header, RequestContext context)
    {
        var wire = new Wire.DeleteRangeResponse { Header = header, Deleted = response.Deleted };
        AddTo(wire.PrevKvs, response.PrevKvs, context);
        return wire;
    }

    /// <summary>Maps the response of a transaction; the headers of its operations contain only the revision, as in etcd.</summary>
    public static Wire.TxnResponse ToWire(TxnResponse response, Wire.ResponseHeader header, RequestContext context)
    {
        var wire = new Wire.TxnResponse { Header = header, Succeeded = response.Succeeded };
        foreach (var operation in response.Responses)
            wire.Responses.Add(ToResponseOp(operation, context));
        return wire;
    }

    private static Wire.ResponseOp ToResponseOp(KvResponse response, RequestContext context)
    {
        var header = new Wire.ResponseHeader { Revision = response.Revision };
        return response switch
        {
            RangeResponse range => new() { ResponseRange = ToWire(range, header, context) },
            PutResponse put => new() { ResponsePut = ToWire(put, header) },
            DeleteRangeResponse delete => new() { ResponseDeleteRange = ToWire(delete, header, context) },
            TxnResponse txn => new() { ResponseTxn = ToWire(txn, header, context) },
            _ => throw new ArgumentException($"{response.GetType().Name} is not the response of an operation", nameof(response)),
        };
    }

    private static void AddTo(RepeatedField<Wire.KeyValue> wire, IReadOnlyList<KeyValue> kvs, RequestContext context)
    {
        wire.Capacity = kvs.Count;
        for (var i = 0; i < kvs.Count; i++)
        {
            if (i % KeysPerPoll == 0)
                context.ThrowIfCancelled();
            wire.Add(ToWire(kvs[i]));
        }
    }

    /// <summary>Maps a key-value pair.</summary>
    public static Wire.KeyValue ToWire(KeyValue kv) => new()
    {
        Key = UnsafeByteOperations.UnsafeWrap(kv.Key),
        Value = UnsafeByteOperations.UnsafeWrap(kv.Value),
        CreateRevision = kv.CreateRevision,
        ModRevision = kv.ModRevision,
        Version = kv.Version,
        Lease = kv.Lease,
    };
}
