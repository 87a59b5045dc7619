using System.Buffers;

namespace Quorate.Kv;

/// <summary>Encodes the parts of a command in order. Mirrors <see cref="CommandReader"/>, part by part.</summary>
internal ref struct CommandWriter
{
    private readonly IBufferWriter<byte> _target;
    private Span<byte> _span;
    private int _written;

    public CommandWriter(IBufferWriter<byte> target)
    {
        _target = target;
        _span = target.GetSpan();
    }

    public void Operation(KvOperation operation, int depth)
    {
        switch (operation)
        {
            case PutRequest put:
                Byte(KvCommandCodec.KindPut);
                Put(put);
                break;
            case DeleteRangeRequest delete:
                Byte(KvCommandCodec.KindDeleteRange);
                Interval(delete.Keys);
                Byte(Flag(delete.PrevKv, 1));
                break;
            case TxnRequest txn:
                Byte(KvCommandCodec.KindTxn);
                Txn(txn, depth);
                break;
            case RangeRequest range:
                Byte(KvCommandCodec.KindRange);
                Range(range);
                break;
            default:
                throw new ArgumentException($"{operation.GetType().Name} cannot be encoded", nameof(operation));
        }
    }

    public void Lease(LeaseRequest request)
    {
        Byte(request switch
        {
            LeaseGrantRequest => KvCommandCodec.KindLeaseGrant,
            LeaseRevokeRequest => KvCommandCodec.KindLeaseRevoke,
            LeaseRenewRequest => KvCommandCodec.KindLeaseRenew,
            LeaseExpireRequest => KvCommandCodec.KindLeaseExpire,
            _ => throw new ArgumentException($"{request.GetType().Name} cannot be encoded", nameof(request)),
        });
        Signed(request.Id);
        if (request is LeaseGrantRequest grant)
            Number(grant is { Id: not 0, TtlSeconds: > 0 and <= Kv.Lease.MaxTtlSeconds }
                ? (ulong)grant.TtlSeconds
                : throw new ArgumentException($"invalid lease grant: id {grant.Id}, {grant.TtlSeconds} seconds", nameof(request)));
        else if (request is LeaseExpireRequest expire)
            Number(expire.RenewedAt.Value);
    }

    public void LeaseRenewMany(LeaseRenewManyRequest request)
    {
        var count = request.Ids.Count;
        if (count is 0 or > LeaseRenewManyRequest.MaxIds)
            throw new ArgumentException($"{count} leases to renew; 1 to {LeaseRenewManyRequest.MaxIds} are possible", nameof(request));
        Number((ulong)count);
        for (var i = 0; i < count; i++)
            Signed(request.Ids[i]);
    }

    public void LeaseClockAdvance(LeaseClockAdvanceRequest request)
    {
        if (request is not { Milliseconds: >= 0 and <= LeaseClockAdvanceRequest.MaxMilliseconds, SinceApplied: >= 0 }
            || request.SinceApplied > request.Milliseconds)
            throw new ArgumentException(
                $"invalid advance of the lease clock: {request.Milliseconds} ms, of which {request.SinceApplied} ms", nameof(request));
        Number(request.Base.Value);
        Number((ulong)request.Milliseconds);
        Number((ulong)request.SinceApplied);
    }

    public void Byte(byte value)
    {
        Reserve(1)[0] = value;
        _written++;
    }

    public void Signed(long value) => Number(Zigzag.Encode(value));

    public void Flush()
    {
        _target.Advance(_written);
        _written = 0;
        _span = default;
    }

    private void Put(PutRequest put)
    {
        Bytes(put.Key.Span);
        Bytes(put.Value.Span);
        Signed(put.Lease);
        Byte((byte)(Flag(put.PrevKv, 1) | Flag(put.IgnoreValue, 2) | Flag(put.IgnoreLease, 4)));
    }

    private void Range(RangeRequest range)
    {
        Interval(range.Keys);
        Signed(range.Revision);
        Signed(range.Limit);
        Byte((byte)(Flag(range.CountOnly, 1) | Flag(range.KeysOnly, 2)));
        Byte((byte)range.SortOrder);
        Byte((byte)range.SortTarget);
        Signed(range.MinModRevision);
        Signed(range.MaxModRevision);
        Signed(range.MinCreateRevision);
        Signed(range.MaxCreateRevision);
    }

    private void Txn(TxnRequest txn, int depth)
    {
        if (depth > KvCommandCodec.MaxTxnDepth)
            throw new ArgumentException($"transactions nested deeper than {KvCommandCodec.MaxTxnDepth}", nameof(txn));

        Number((ulong)txn.Compare.Count);
        foreach (var compare in txn.Compare)
            Compare(compare);
        Operations(txn.Success, depth);
        Operations(txn.Failure, depth);
    }

    private void Operations(IReadOnlyList<KvOperation> operations, int depth)
    {
        Number((ulong)operations.Count);
        foreach (var operation in operations)
            Operation(operation, depth + 1);
    }

    private void Compare(KeyCompare compare)
    {
        Interval(compare.Keys);
        Byte((byte)compare.Target);
        Byte((byte)compare.Result);
        if (compare.Target == CompareTarget.Value)
            Bytes(compare.Value.Span);
        else
            Signed(compare.Number);
    }

    private void Interval(KeyInterval keys)
    {
        Byte((byte)keys.Kind);
        Bytes(keys.Start.Span);
        if (keys.Kind == KeyIntervalKind.Range)
            Bytes(keys.End.Span);
    }

    private void Bytes(ReadOnlySpan<byte> bytes)
    {
        Number((ulong)bytes.Length);
        bytes.CopyTo(Reserve(bytes.Length));
        _written += bytes.Length;
    }

    private void Number(ulong value)
    {
        var to = Reserve(Varint.BytesMax);
        _written += Varint.Write(to, value);
    }

    private Span<byte> Reserve(int bytes)
    {
        if (_span.Length - _written < bytes)
        {
            _target.Advance(_written);
            _span = _target.GetSpan(bytes);
            _written = 0;
        }

        return _span[_written..];
    }

    private static byte Flag(bool on, byte bit) => on ? bit : (byte)0;
}
