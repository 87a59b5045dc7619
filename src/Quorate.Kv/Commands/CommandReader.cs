using Quorate.Raft;

namespace Quorate.Kv;

/// <summary>Decodes the parts of a command in order, and validates all of them. Mirrors <see cref="CommandWriter"/>.</summary>
internal ref struct CommandReader
{
    // Minimum encoded size of a list element: a count too large for the remaining bytes is rejected before any allocation.
    private const int OperationBytesMin = 4;
    private const int CompareBytesMin = 5;

    private readonly ReadOnlyMemory<byte> _source;
    private readonly ReadOnlySpan<byte> _span;
    private int _position;

    public CommandReader(ReadOnlyMemory<byte> source)
    {
        _source = source;
        _span = source.Span;
    }

    public KvOperation Operation(byte kind, int depth) => kind switch
    {
        KvCommandCodec.KindPut => Put(),
        KvCommandCodec.KindDeleteRange => new DeleteRangeRequest(Interval()) { PrevKv = Flags(1) == 1 },
        KvCommandCodec.KindTxn => Txn(depth),
        KvCommandCodec.KindRange => Range(),
        _ => throw new KvCommandFormatException($"unknown operation kind {kind} at byte {_position - 1}"),
    };

    public byte Byte()
    {
        if (_position >= _span.Length)
            throw new KvCommandFormatException($"the command is truncated at byte {_position}");
        return _span[_position++];
    }

    public long Signed() => Zigzag.Decode(Number());

    public ulong Number() =>
        Varint.TryRead(_span, ref _position, out var value)
            ? value
            : throw new KvCommandFormatException($"invalid number at byte {_position}");

    public LeaseGrantRequest LeaseGrant()
    {
        var id = Signed();
        var ttl = Number();
        return id != 0 && ttl is > 0 and <= Lease.MaxTtlSeconds
            ? new LeaseGrantRequest(id, (long)ttl)
            : throw new KvCommandFormatException($"invalid lease grant: id {id}, {ttl} seconds");
    }

    public LeaseRenewManyRequest LeaseRenewMany()
    {
        var ids = new long[Count(elementBytesMin: 1)];
        if (ids.Length is 0 or > LeaseRenewManyRequest.MaxIds)
            throw new KvCommandFormatException($"{ids.Length} leases to renew; 1 to {LeaseRenewManyRequest.MaxIds} are possible");
        for (var i = 0; i < ids.Length; i++)
            ids[i] = Signed();
        return new LeaseRenewManyRequest(ids);
    }

    public LeaseClockAdvanceRequest LeaseClockAdvance()
    {
        var previous = new LogIndex(Number());
        var elapsed = Number();
        var sinceApplied = Number();
        return elapsed <= LeaseClockAdvanceRequest.MaxMilliseconds && sinceApplied <= elapsed
            ? new LeaseClockAdvanceRequest(previous, (long)elapsed, (long)sinceApplied)
            : throw new KvCommandFormatException($"invalid advance of the lease clock: {elapsed} ms, of which {sinceApplied} ms");
    }

    public readonly void ExpectEnd()
    {
        if (_position != _span.Length)
            throw new KvCommandFormatException($"{_span.Length - _position} unexpected bytes after the end of the command");
    }

    private PutRequest Put()
    {
        var key = Bytes();
        var value = Bytes();
        var lease = Signed();
        var flags = Flags(7);
        return new PutRequest(key, value)
        {
            Lease = lease, PrevKv = (flags & 1) != 0, IgnoreValue = (flags & 2) != 0, IgnoreLease = (flags & 4) != 0,
        };
    }

    private RangeRequest Range()
    {
        var keys = Interval();
        var revision = Signed();
        var limit = Signed();
        var flags = Flags(3);
        return new RangeRequest(keys)
        {
            Revision = revision,
            Limit = limit,
            CountOnly = (flags & 1) != 0,
            KeysOnly = (flags & 2) != 0,
            SortOrder = (SortOrder)AtMost((byte)SortOrder.Descend),
            SortTarget = (SortTarget)AtMost((byte)SortTarget.Value),
            MinModRevision = Signed(),
            MaxModRevision = Signed(),
            MinCreateRevision = Signed(),
            MaxCreateRevision = Signed(),
        };
    }

    private TxnRequest Txn(int depth)
    {
        if (depth > KvCommandCodec.MaxTxnDepth)
            throw new KvCommandFormatException($"transactions nested deeper than {KvCommandCodec.MaxTxnDepth}");

        var compare = new KeyCompare[Count(CompareBytesMin)];
        for (var i = 0; i < compare.Length; i++)
            compare[i] = Compare();
        return new TxnRequest(compare, Operations(depth), Operations(depth));
    }

    private KvOperation[] Operations(int depth)
    {
        var count = Count(OperationBytesMin);
        if (count == 0)
            return [];
        var operations = new KvOperation[count];
        for (var i = 0; i < operations.Length; i++)
            operations[i] = Operation(Byte(), depth + 1);
        return operations;
    }

    private KeyCompare Compare()
    {
        var keys = Interval();
        var target = (CompareTarget)AtMost((byte)CompareTarget.Lease);
        var result = (CompareResult)AtMost((byte)CompareResult.NotEqual);
        return target == CompareTarget.Value
            ? new KeyCompare(keys, target, result) { Value = Bytes() }
            : new KeyCompare(keys, target, result) { Number = Signed() };
    }

    private KeyInterval Interval()
    {
        var kind = (KeyIntervalKind)AtMost((byte)KeyIntervalKind.From);
        var start = Bytes();
        return kind switch
        {
            KeyIntervalKind.Single => KeyInterval.Single(start),
            KeyIntervalKind.From => KeyInterval.From(start),
            _ => KeyInterval.Range(start, Bytes()),
        };
    }

    private ReadOnlyMemory<byte> Bytes()
    {
        var length = Number();
        if (length > (ulong)(_span.Length - _position))
            throw new KvCommandFormatException($"length {length} at byte {_position}, but only {_span.Length - _position} bytes remain");
        var bytes = _source.Slice(_position, (int)length);
        _position += (int)length;
        return bytes;
    }

    private int Count(int elementBytesMin)
    {
        var count = Number();
        if (count > (ulong)(_span.Length - _position) / (ulong)elementBytesMin)
            throw new KvCommandFormatException($"{count} elements at byte {_position}, but only {_span.Length - _position} bytes remain");
        return (int)count;
    }

    private byte Flags(byte known)
    {
        var flags = Byte();
        return (flags & ~known) == 0 ? flags : throw new KvCommandFormatException($"unknown flags {flags:x2} at byte {_position - 1}");
    }

    private byte AtMost(byte max)
    {
        var value = Byte();
        return value <= max ? value : throw new KvCommandFormatException($"value {value} at byte {_position - 1} exceeds {max}");
    }
}
