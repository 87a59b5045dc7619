using System.Buffers;
using Google.Protobuf;
using Quorate.Server.Protos;

namespace Quorate.Server.Etcd;

/// <summary>Counts the comparisons and operations of an encoded transaction before it is parsed.</summary>
/// <remarks>
/// An empty comparison takes two bytes in the message and about a hundred as an object: a parsed message of 1.5 MiB would take 90 MB before
/// its operations could be counted. The rule is that of <see cref="Kv.RequestValidator"/>: the longest list counts, and nested transactions
/// have the remainder. A message that this class does not understand is left to the parser, which stops at the same place.
/// Source: protobuf encoding; etcd, <c>--max-txn-ops</c>.
/// </remarks>
internal static class TxnOperationCounter
{
    /// <summary>Whether a transaction has more operations than allowed.</summary>
    public static bool Exceeds(in ReadOnlySequence<byte> txn, int operationsMax)
    {
        int compares = 0, onSuccess = 0, onFailure = 0;
        for (var reader = new ProtobufFieldReader(txn); reader.TryRead(out var field, out _);)
        {
            switch (field)
            {
                case TxnRequest.CompareFieldNumber:
                    compares++;
                    break;
                case TxnRequest.SuccessFieldNumber:
                    onSuccess++;
                    break;
                case TxnRequest.FailureFieldNumber:
                    onFailure++;
                    break;
            }
        }

        var remaining = operationsMax - int.Max(compares, int.Max(onSuccess, onFailure));
        return remaining < 0 || (onSuccess + onFailure > 0 && NestedExceeds(txn, remaining));
    }

    private static bool NestedExceeds(in ReadOnlySequence<byte> txn, int operationsMax)
    {
        for (var reader = new ProtobufFieldReader(txn); reader.TryRead(out var field, out var operation);)
        {
            if (field is TxnRequest.SuccessFieldNumber or TxnRequest.FailureFieldNumber && OperationExceeds(operation, operationsMax))
                return true;
        }

        return false;
    }

    private static bool OperationExceeds(in ReadOnlySequence<byte> operation, int operationsMax)
    {
        // The parser merges the fields of an operation that has several, and copies what it has so far for each. No client sends more than
        // one.
        var fields = 0;
        for (var reader = new ProtobufFieldReader(operation); reader.TryRead(out var field, out var request);)
        {
            if (++fields > 1 || (field == RequestOp.RequestTxnFieldNumber && Exceeds(request, operationsMax)))
                return true;
        }

        return false;
    }
}

/// <summary>Reads the length-delimited fields of an encoded message, and skips all others.</summary>
/// <remarks>
/// Shape: a tag (field number and wire type) as a varint, then the value. The fields inside a group, which proto3 does not have, are read
/// as if they were outside.
/// </remarks>
internal ref struct ProtobufFieldReader(in ReadOnlySequence<byte> message)
{
    private const int VarintBytesMax = 10;

    private SequenceReader<byte> _bytes = new(message);

    /// <summary>Reads the next length-delimited field; returns false at the end, and where the message is malformed.</summary>
    public bool TryRead(out int field, out ReadOnlySequence<byte> value)
    {
        (field, value) = (0, default);
        while (TryReadVarint(out var tag))
        {
            switch (WireFormat.GetTagWireType((uint)tag))
            {
                case WireFormat.WireType.Varint when TryReadVarint(out _):
                case WireFormat.WireType.Fixed32 when TrySkip(sizeof(uint)):
                case WireFormat.WireType.Fixed64 when TrySkip(sizeof(ulong)):
                case WireFormat.WireType.StartGroup or WireFormat.WireType.EndGroup:
                    continue;
                case WireFormat.WireType.LengthDelimited when TryReadVarint(out var length) && length <= (ulong)_bytes.Remaining:
                    field = WireFormat.GetTagFieldNumber((uint)tag);
                    value = _bytes.UnreadSequence.Slice(0, (long)length);
                    _bytes.Advance((long)length);
                    return true;
                default:
                    return false;
            }
        }

        return false;
    }

    private bool TrySkip(int bytes)
    {
        if (_bytes.Remaining < bytes)
            return false;
        _bytes.Advance(bytes);
        return true;
    }

    private bool TryReadVarint(out ulong value)
    {
        value = 0;
        for (var i = 0; i < VarintBytesMax && _bytes.TryRead(out var b); i++)
        {
            value |= (ulong)(b & 0x7f) << (7 * i);
            if (b < 0x80)
                return true;
        }

        return false;
    }
}
