using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using Quorate.Server.Etcd;
using Quorate.Server.Protos;

namespace Quorate.Server.Tests.Etcd;

/// <summary>A message takes no more than a few times its size in memory while it is parsed, whatever it contains.</summary>
public sealed class RequestDecoderTests
{
    private const int OperationsMax = 128;
    private const int MessageBytes = 1_500_000;

    /// <summary>750,000 empty comparisons of two bytes each.</summary>
    [Fact]
    public void A_transaction_with_too_many_operations_is_rejected_before_it_is_parsed()
    {
        var message = new byte[MessageBytes];
        for (var i = 0; i < message.Length; i += 2)
            message[i] = (TxnRequest.CompareFieldNumber << 3) | 2;

        RpcException? error = null;
        var allocated = Allocated(() => error = Record.Exception(() => Decode<TxnRequest>(message)) as RpcException);

        Assert.InRange(allocated, 0, MessageBytes);
        Assert.Equal("etcdserver: too many operations in txn request", error!.Status.Detail);
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
    }

    [Fact]
    public void Unknown_fields_of_a_large_message_are_skipped()
    {
        using var fields = new MemoryStream();
        var output = new CodedOutputStream(fields, leaveOpen: true);
        new PutRequest { Key = ServerFixture.Utf8("k") }.WriteTo(output);
        for (var field = 100; output.Position < MessageBytes; field++)
        {
            output.WriteTag(field, WireFormat.WireType.Varint);
            output.WriteInt32(1);
        }

        output.Flush();
        var message = fields.ToArray();
        PutRequest? decoded = null;
        var allocated = Allocated(() => decoded = Decode<PutRequest>(message));

        Assert.InRange(allocated, 0, MessageBytes);
        Assert.Equal(new PutRequest { Key = ServerFixture.Utf8("k") }, decoded);
    }

    [Fact]
    public void A_request_within_the_limits_is_decoded()
    {
        var txn = new TxnRequest { Compare = { new Compare { Key = ServerFixture.Utf8("k") } } };
        var put = new PutRequest { Key = ServerFixture.Utf8("k"), Value = ByteString.CopyFrom(new byte[100_000]) };
        txn.Success.Add(new RequestOp { RequestPut = put });

        Assert.Equal(txn, Decode<TxnRequest>(txn.ToByteArray()));
    }

    private static T Decode<T>(byte[] message)
        where T : class, IMessage<T>, new()
    {
        var generated = Marshallers.Create(
            static (message, context) => context.Complete(message.ToByteArray()),
            static context => new MessageParser<T>(static () => new T()).ParseFrom(context.PayloadAsReadOnlySequence()));
        return new RequestDecoder<T>(generated, OperationsMax).Decode(new Payload(message));
    }

    private static long Allocated(Action action)
    {
        var before = GC.GetAllocatedBytesForCurrentThread();
        action();
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private sealed class Payload(byte[] message) : DeserializationContext
    {
        public override int PayloadLength => message.Length;

        public override byte[] PayloadAsNewBuffer() => [.. message];

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(message);
    }
}
