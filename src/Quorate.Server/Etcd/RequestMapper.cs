using Quorate.Kv;
using Wire = Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Maps protobuf requests to the store's requests. Bytes are not copied: a parsed message does not change.</summary>
internal static class RequestMapper
{
    /// <summary>Maps a range request.</summary>
    public static RangeRequest From(Wire.RangeRequest wire) => new(KeyInterval.FromWire(wire.Key.Memory, wire.RangeEnd.Memory))
    {
        Revision = wire.Revision,
        Limit = wire.Limit,
        CountOnly = wire.CountOnly,
        KeysOnly = wire.KeysOnly,
        SortOrder = (SortOrder)(int)wire.SortOrder,
        SortTarget = (SortTarget)(int)wire.SortTarget,
        MinModRevision = wire.MinModRevision,
        MaxModRevision = wire.MaxModRevision,
        MinCreateRevision = wire.MinCreateRevision,
        MaxCreateRevision = wire.MaxCreateRevision,
    };

    /// <summary>Maps a put request.</summary>
    public static PutRequest From(Wire.PutRequest wire) => new(wire.Key.Memory, wire.Value.Memory)
    {
        Lease = wire.Lease,
        PrevKv = wire.PrevKv,
        IgnoreValue = wire.IgnoreValue,
        IgnoreLease = wire.IgnoreLease,
    };

    /// <summary>Maps a delete range request.</summary>
    public static DeleteRangeRequest From(Wire.DeleteRangeRequest wire) =>
        new(KeyInterval.FromWire(wire.Key.Memory, wire.RangeEnd.Memory)) { PrevKv = wire.PrevKv };

    /// <summary>Maps a transaction and its nested transactions.</summary>
    /// <remarks>The recursion depth is bounded: the protobuf parser rejects messages nested deeper than 100 levels.</remarks>
    public static TxnRequest From(Wire.TxnRequest wire) => new(
        [.. wire.Compare.Select(From)],
        [.. wire.Success.Select(From)],
        [.. wire.Failure.Select(From)]);

    private static KvOperation From(Wire.RequestOp wire) => wire.RequestCase switch
    {
        Wire.RequestOp.RequestOneofCase.RequestRange => From(wire.RequestRange),
        Wire.RequestOp.RequestOneofCase.RequestPut => From(wire.RequestPut),
        Wire.RequestOp.RequestOneofCase.RequestDeleteRange => From(wire.RequestDeleteRange),
        Wire.RequestOp.RequestOneofCase.RequestTxn => From(wire.RequestTxn),
        _ => new EmptyOperation(),
    };

    /// <summary>
    /// Maps a comparison. If its value field does not match its target, the comparison uses 0 or an empty value, as in etcd.
    /// </summary>
    private static KeyCompare From(Wire.Compare wire) =>
        new(KeyInterval.FromWire(wire.Key.Memory, wire.RangeEnd.Memory), (CompareTarget)(int)wire.Target, (CompareResult)(int)wire.Result)
        {
            Number = wire.Target switch
            {
                Wire.Compare.Types.CompareTarget.Version => wire.Version,
                Wire.Compare.Types.CompareTarget.Create => wire.CreateRevision,
                Wire.Compare.Types.CompareTarget.Mod => wire.ModRevision,
                Wire.Compare.Types.CompareTarget.Lease => wire.Lease,
                _ => 0,
            },
            Value = wire.Value.Memory,
        };
}
