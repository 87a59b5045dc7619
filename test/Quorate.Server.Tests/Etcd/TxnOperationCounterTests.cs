using System.Buffers;
using CsCheck;
using Google.Protobuf;
using Quorate.Server.Etcd;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Etcd;

/// <summary>The operations of an encoded transaction are counted as the validator counts those of a parsed one.</summary>
public sealed class TxnOperationCounterTests
{
    private const int OperationsMax = 6;

    [Fact]
    public void The_count_agrees_with_the_validator()
    {
        var limits = new Kv.KvLimits { MaxTxnOps = OperationsMax };
        Transactions(depth: 3).Sample(
            txn => Assert.Equal(
                Kv.RequestValidator.Validate(RequestMapper.From(txn), limits) == Kv.KvError.TooManyOperations,
                TxnOperationCounter.Exceeds(new ReadOnlySequence<byte>(txn.ToByteArray()), OperationsMax)),
            iter: TestEffort.Of(5000));
    }

    [Fact]
    public void A_message_in_several_buffers_is_counted()
    {
        var bytes = new TxnRequest { Compare = { Enumerable.Repeat(new Compare { Key = ServerFixture.Utf8("k") }, 7) } }.ToByteArray();

        Assert.True(TxnOperationCounter.Exceeds(Split(bytes), OperationsMax));
        Assert.False(TxnOperationCounter.Exceeds(Split(bytes), OperationsMax + 1));
    }

    /// <summary>The parser merges the transactions of one operation, in time that grows with the square of their number.</summary>
    [Fact]
    public void An_operation_with_several_requests_is_rejected()
    {
        byte[] nested = [(RequestOp.RequestTxnFieldNumber << 3) | 2, 0];
        byte[] operation = [(TxnRequest.SuccessFieldNumber << 3) | 2, (byte)(2 * nested.Length), .. nested, .. nested];

        Assert.True(TxnOperationCounter.Exceeds(new ReadOnlySequence<byte>(operation), OperationsMax));
    }

    [Theory]
    [InlineData(new byte[] { 0x80 })] // A tag that does not end.
    [InlineData(new byte[] { 0x0a, 0x05, 0x01 })] // A length beyond the end.
    [InlineData(new byte[] { 0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f })]
    [InlineData(new byte[] { 0x0d, 0x01 })]
    [InlineData(new byte[] { 0x0f })] // An unknown wire type.
    public void A_malformed_message_is_left_to_the_parser(byte[] message) =>
        Assert.False(TxnOperationCounter.Exceeds(new ReadOnlySequence<byte>(message), OperationsMax));

    [Fact]
    public void A_group_does_not_hide_operations()
    {
        var compares = Enumerable.Repeat(new byte[] { (TxnRequest.CompareFieldNumber << 3) | 2, 0 }, 7).SelectMany(b => b);

        Assert.True(TxnOperationCounter.Exceeds(new ReadOnlySequence<byte>([(9 << 3) | 3, .. compares, (9 << 3) | 4]), OperationsMax));
    }

    private static Gen<TxnRequest> Transactions(int depth)
    {
        var range = Gen.Const(new RequestOp { RequestRange = new RangeRequest { Key = ServerFixture.Utf8("k") } });
        var operation = depth == 0
            ? range
            : Gen.OneOf(range, range, Transactions(depth - 1).Select(txn => new RequestOp { RequestTxn = txn }));
        var compares = Gen.Int[0, 3].Select(count => Enumerable.Repeat(new Compare { Key = ServerFixture.Utf8("k") }, count));
        return Gen.Select(compares, operation.List[0, 4], operation.List[0, 2], (compare, success, failure) =>
            new TxnRequest { Compare = { compare }, Success = { success }, Failure = { failure } });
    }

    private static ReadOnlySequence<byte> Split(byte[] bytes)
    {
        var first = new Segment(bytes.AsMemory(0, 1), 0);
        var last = first;
        for (var i = 1; i < bytes.Length; i++)
            last = last.Append(bytes.AsMemory(i, 1));
        return new ReadOnlySequence<byte>(first, 0, last, 1);
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long index) => (Memory, RunningIndex) = (memory, index);

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
